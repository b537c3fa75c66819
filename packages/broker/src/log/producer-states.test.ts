import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BatchDetails, ErrorCode, RecordBatchView } from '@millrace/kafka-protocol'
import { recordBatch } from '../fixtures/record-batches.ts'
import { ProducerStates } from './producer-states.ts'

function batchOf(baseSequence: number, count = 1, details: BatchDetails = {}): RecordBatchView {
  const bytes = recordBatch(
    Array.from({ length: count }, () => 'v'),
    { producerId: 1, producerEpoch: 0, baseSequence, ...details },
  )
  return new RecordBatchView(bytes, 0, bytes.length)
}

const rejects = (errorCode: number) => (error: unknown) => (error as { errorCode?: number }).errorCode === errorCode

test('lets an unknown producer begin with any sequence', () => {
  assert.equal(new ProducerStates().check(batchOf(42)), undefined)
})

test('goes on after the highest sequence with 0', () => {
  const states = new ProducerStates()
  states.note(batchOf(0x7fff_fffe, 3), 0) // …fe, …ff, 0
  assert.equal(states.check(batchOf(1)), undefined)
  assert.throws(() => states.check(batchOf(0)), rejects(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
})

test('takes only a batch of the same sequences for a duplicate', () => {
  const states = new ProducerStates()
  states.note(batchOf(0, 3, { baseOffset: 10 }), 0)
  assert.equal(states.check(batchOf(0, 3))?.baseOffset, 10)
  assert.throws(() => states.check(batchOf(0, 2)), rejects(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
})

test('begins a new epoch with sequence 0 only, and then refuses the old one', () => {
  const states = new ProducerStates()
  states.note(batchOf(0, 3), 0)
  assert.throws(() => states.check(batchOf(3, 1, { producerEpoch: 1 })), rejects(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
  assert.equal(states.check(batchOf(0, 1, { producerEpoch: 1 })), undefined)
  states.note(batchOf(0, 1, { producerEpoch: 1 }), 0)
  assert.throws(() => states.check(batchOf(3)), rejects(ErrorCode.INVALID_PRODUCER_EPOCH))
})

test('forgets producers that were not seen for long, and survives being written to a file', () => {
  const states = new ProducerStates()
  states.note(batchOf(0, 1, { producerId: 1 }), 100)
  states.note(batchOf(0, 1, { producerId: 2 }), 200)
  states.expire(150)
  const restored = ProducerStates.fromJSON(JSON.parse(JSON.stringify(states)))
  assert.equal(restored.check(batchOf(9, 1, { producerId: 1 })), undefined)
  assert.throws(() => restored.check(batchOf(9, 1, { producerId: 2 })), rejects(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
})
