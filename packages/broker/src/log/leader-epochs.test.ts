import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { LeaderEpochs } from './leader-epochs.ts'

const NEVER = { leaderEpoch: -1, endOffset: -1 }

test('tells where each epoch ended, also those without records', (t) => {
  const epochs = LeaderEpochs.open(temporaryFolder(t), undefined)
  epochs.begin(2, 10)
  epochs.begin(2, 15)
  epochs.begin(5, 20)
  const end = (epoch: number) => epochs.endOf(epoch, { leaderEpoch: 7, endOffset: 30 })
  assert.deepEqual(end(1), { leaderEpoch: 1, endOffset: 10 })
  assert.deepEqual(end(2), { leaderEpoch: 2, endOffset: 20 })
  assert.deepEqual(end(4), { leaderEpoch: 2, endOffset: 20 })
  assert.deepEqual(end(5), { leaderEpoch: 5, endOffset: 30 })
  assert.deepEqual(end(6), { leaderEpoch: 5, endOffset: 30 })
  assert.deepEqual(end(7), { leaderEpoch: 7, endOffset: 30 })
  assert.deepEqual(end(8), NEVER)
  assert.deepEqual(
    [9, 10, 19, 20, 99].map((offset) => epochs.epochOf(offset)),
    [-1, 2, 2, 5, 5],
  )
})

test('an empty log has had no epoch before the present one', (t) => {
  const epochs = LeaderEpochs.open(temporaryFolder(t), undefined)
  assert.deepEqual(epochs.endOf(3, { leaderEpoch: 3, endOffset: 0 }), { leaderEpoch: 3, endOffset: 0 })
  assert.deepEqual(epochs.endOf(1, { leaderEpoch: 3, endOffset: 0 }), { leaderEpoch: 1, endOffset: 0 })
})

test('is written in the form of Kafka, read again, and cut with its log', (t) => {
  const directory = temporaryFolder(t)
  const epochs = LeaderEpochs.open(directory, undefined)
  epochs.begin(0, 0)
  epochs.begin(3, 100)
  assert.equal(readFileSync(join(directory, 'leader-epoch-checkpoint'), 'utf8'), '0\n2\n0 0\n3 100\n')
  const again = LeaderEpochs.open(directory, 0)
  again.cutAt(100)
  assert.equal(again.epochOf(150), 0)
  assert.equal(LeaderEpochs.open(directory, 0).epochOf(150), 0)
})

test('forgets epochs whose records are gone', (t) => {
  const epochs = LeaderEpochs.open(temporaryFolder(t), undefined)
  for (const [epoch, offset] of [
    [0, 0],
    [1, 10],
    [2, 20],
  ] as const)
    epochs.begin(epoch, offset)
  epochs.forgetBefore(15)
  assert.deepEqual(
    [5, 15, 25].map((offset) => epochs.epochOf(offset)),
    [-1, 1, 2],
  )
})

test('takes records for those of epoch 0 where there is no file, or no whole one', (t) => {
  const directory = temporaryFolder(t)
  assert.equal(LeaderEpochs.open(directory, 7).epochOf(7), 0)
  for (const text of ['', '0\n2\n0 0\n', '0\n1\nx y\n', '1\n0\n']) {
    writeFileSync(join(directory, 'leader-epoch-checkpoint'), text)
    assert.equal(LeaderEpochs.open(directory, 7).epochOf(7), 0, JSON.stringify(text))
  }
})
