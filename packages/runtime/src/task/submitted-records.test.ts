import assert from 'node:assert/strict'
import test from 'node:test'
import type { SourceOffset, SourcePartition, SourceRecord } from '@millrace/api'
import { type SendListener, type SubmittedRecord, SubmittedRecords } from './submitted-records.ts'

const silent: SendListener = { acknowledged() {}, failed: () => false, ended() {} }

function records(listener: SendListener = silent): SubmittedRecords {
  return new SubmittedRecords(listener, { keepsRecords: false })
}

function record(sourcePartition: SourcePartition | null, sourceOffset: SourceOffset | null): SourceRecord {
  return {
    topic: 't',
    kafkaPartition: null,
    keySchema: null,
    key: null,
    valueSchema: null,
    value: 'v',
    timestamp: null,
    headers: null,
    sourcePartition,
    sourceOffset,
  }
}

const a = { file: 'a' }
const b = { file: 'b' }
const acknowledge = (submitted: SubmittedRecord) => submitted.acknowledged('t', 0, 0, 0)

test('commits the offset of the latest record before the first unacknowledged one', () => {
  const submitted = records()
  const [first, second, third] = [1, 2, 3].map((position) => submitted.submit(record(a, { position }), 1)) as [
    SubmittedRecord,
    SubmittedRecord,
    SubmittedRecord,
  ]
  acknowledge(second)
  acknowledge(third)
  assert.deepEqual(submitted.takeCommittable(), [])
  acknowledge(first)
  assert.deepEqual(submitted.takeCommittable(), [{ partition: a, offset: { position: 3 } }])
  assert.deepEqual(submitted.takeCommittable(), [])
})

test('an unacknowledged record holds back its own source partition only', () => {
  const submitted = records()
  submitted.submit(record(a, { position: 1 }), 1)
  acknowledge(submitted.submit(record(b, { position: 7 }), 1))
  assert.deepEqual(submitted.takeCommittable(), [{ partition: b, offset: { position: 7 } }])
  assert.equal(submitted.inFlight, 1)
})

test('a record that became several messages counts with the last of them', () => {
  let ended = 0
  const submitted = records({ ...silent, ended: () => ended++ })
  const one = submitted.submit(record(a, { position: 1 }), 2)
  acknowledge(one)
  assert.deepEqual([ended, submitted.inFlight], [0, 1])
  acknowledge(one)
  assert.deepEqual([ended, submitted.inFlight], [1, 0])
})

test('a record that failed keeps later ones of its partition from being committed', () => {
  const failures: string[] = []
  const submitted = records({ ...silent, failed: (_record, error) => failures.push(error.message) < 0 })
  submitted.submit(record(a, { position: 1 }), 1).failed(new Error('refused'))
  acknowledge(submitted.submit(record(a, { position: 2 }), 1))
  assert.deepEqual(submitted.takeCommittable(), [])
  assert.deepEqual(failures, ['refused'])
})

test('a record whose failure is tolerated ends like one that was acknowledged', () => {
  const ends: string[] = []
  const submitted = records({ ...silent, failed: () => true, ended: (_record, end) => ends.push(end) })
  submitted.submit(record(a, { position: 1 }), 1).failed(new Error('refused'))
  assert.deepEqual(submitted.takeCommittable(), [{ partition: a, offset: { position: 1 } }])
  assert.deepEqual(ends, ['left-out'])
})

test('a record of which one message is a dead letter is one, whatever became of the others', () => {
  const ends: string[] = []
  const submitted = records({ ...silent, ended: (_record, end) => ends.push(end) })
  const both = submitted.submit(record(a, { position: 1 }), 2)
  both.deadLettered()
  assert.deepEqual([ends, submitted.takeCommittable()], [[], []])
  acknowledge(both)
  assert.deepEqual([ends, submitted.takeCommittable()], [['dead-lettered'], [{ partition: a, offset: { position: 1 } }]])
})

test('finds the partition by its fields where objects are not reused, in any order of fields', () => {
  const submitted = records()
  submitted.submit(record({ x: 1, y: 'z' }, { position: 1 }), 1)
  acknowledge(submitted.submit(record({ y: 'z', x: 1 }, { position: 2 }), 1))
  assert.deepEqual(submitted.takeCommittable(), [], 'the second record waits for the first')
  acknowledge(submitted.submit(record({ x: '1', y: 'z' }, { position: 3 }), 1))
  assert.equal(submitted.takeCommittable().length, 1, 'a string is no number')
})

test('gives back offsets whose commit failed, under newer ones', () => {
  const submitted = records()
  acknowledge(submitted.submit(record(a, { position: 1 }), 1))
  acknowledge(submitted.submit(record(b, { position: 1 }), 1))
  const failed = submitted.takeCommittable()
  acknowledge(submitted.submit(record(a, { position: 2 }), 1))
  submitted.restoreCommittable(failed)
  assert.deepEqual(submitted.takeCommittable(), [
    { partition: a, offset: { position: 2 } },
    { partition: b, offset: { position: 1 } },
  ])
})

test('a null partition and a null offset are committed as such', () => {
  const submitted = records()
  acknowledge(submitted.submit(record(null, null), 1))
  assert.deepEqual(submitted.takeCommittable(), [{ partition: null, offset: null }])
})

test('forgets partitions that are through, and knows them again', () => {
  const submitted = records()
  acknowledge(submitted.submit(record(a, { position: 1 }), 1))
  submitted.takeCommittable()
  submitted.takeCommittable()
  const again = submitted.submit(record(a, { position: 2 }), 1)
  assert.equal(submitted.inFlight, 1)
  acknowledge(again)
  assert.deepEqual(submitted.takeCommittable(), [{ partition: a, offset: { position: 2 } }])
})

test('holds any number of records, acknowledged in any order', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  let state = seed
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return state % below
  }
  const submitted = records()
  const all = Array.from({ length: 1_000 }, (_, position) => submitted.submit(record(a, { position }), 1))
  const pending = [...all]
  while (pending.length > 0) {
    acknowledge(pending.splice(random(pending.length), 1)[0]!)
    const firstPending = all.findIndex((each) => !each.isAcknowledged)
    const [committable] = submitted.takeCommittable()
    if (committable) assert.deepEqual(committable.offset, { position: (firstPending === -1 ? all.length : firstPending) - 1 }, `seed ${seed}`)
    assert.equal(submitted.inFlight, pending.length, `seed ${seed}`)
  }
})
