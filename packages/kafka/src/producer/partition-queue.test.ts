import assert from 'node:assert/strict'
import test from 'node:test'
import { RecordBatchBuilder } from '@millrace/kafka-protocol'
import { crc32c } from '../compression.ts'
import { BatchMemory } from './batch-memory.ts'
import { PartitionQueue, sequenceAfter } from './partition-queue.ts'
import { ProducerBatch } from './producer-batch.ts'

const identity = { producerId: 7, producerEpoch: 0 }
const newMemory = () => new BatchMemory(new RecordBatchBuilder(crc32c))

/** A queue with sealed batches of two records each, numbered from 0; the broker has taken a batch of one record before, unless it is new. */
function queueOf(batches: number, recordsEach = 2, isNew = false): PartitionQueue {
  const queue = new PartitionQueue('t', 0)
  if (!isNew) {
    queue.open = new ProducerBatch({ topic: 't', partition: 0, order: -1, createdAt: 0 }, newMemory())
    queue.open.append(1, null, 'first', null, null)
    queue.closeOpen()
    queue.acknowledge(queue.take(identity, undefined))
  }
  for (let order = 0; order < batches; order++) {
    queue.open = new ProducerBatch({ topic: 't', partition: 0, order, createdAt: 0 }, newMemory())
    for (let i = 0; i < recordsEach; i++) queue.open.append(1, null, `${order}-${i}`, null, null)
    queue.closeOpen()
  }
  return queue
}

const take = (queue: PartitionQueue, now = 0): ProducerBatch | null => (queue.next(now) ? queue.take(identity, undefined) : null)
const stamp = (batch: ProducerBatch | null) => [batch?.order, batch?.stamp?.producerEpoch, batch?.stamp?.baseSequence]

test('new batches are pipelined with consecutive sequence numbers', () => {
  const queue = queueOf(3)
  assert.deepEqual([take(queue), take(queue), take(queue), take(queue)].map(stamp), [
    [0, 0, 1],
    [1, 0, 3],
    [2, 0, 5],
    [undefined, undefined, undefined],
  ])
})

test('the first batch of an identity travels alone, as the broker would take a later one for the first', () => {
  const queue = queueOf(3, 2, true)
  const first = take(queue)!
  assert.equal(take(queue), null)
  queue.acknowledge(first)
  assert.deepEqual([take(queue), take(queue)].map(stamp), [
    [1, 0, 2],
    [2, 0, 4],
  ])
})

test('after a failure nothing is sent until nothing is in flight, then one by one in order, then the new ones', () => {
  const queue = queueOf(4)
  const [first, second, third] = [take(queue)!, take(queue)!, take(queue)!]
  queue.retry(first, 100)
  assert.equal(take(queue, 100), null)
  queue.retryOutOfSequence(third, 50)
  queue.retryOutOfSequence(second, 50)
  assert.equal(take(queue, 99), null, 'sent before the pause is over')
  assert.deepEqual(stamp(take(queue, 100)), [0, 0, 1])
  assert.equal(take(queue, 100), null, 'two in flight while recovering')
  queue.land(first)
  assert.deepEqual(stamp(take(queue, 100)), [1, 0, 3])
  queue.land(second)
  assert.deepEqual(stamp(take(queue, 100)), [2, 0, 5])
  queue.land(third)
  assert.deepEqual(stamp(take(queue, 100)), [3, 0, 7])
})

test('when an earlier batch has failed for good, the later ones get new numbers under the next epoch', () => {
  const queue = queueOf(4)
  const [first, second, third] = [take(queue)!, take(queue)!, take(queue)!]
  queue.land(first)
  queue.retryOutOfSequence(second, 0)
  queue.retryOutOfSequence(third, 0)
  assert.deepEqual(stamp(take(queue)), [1, 1, 0])
  queue.acknowledge(second)
  assert.deepEqual(stamp(take(queue)), [2, 1, 2])
  queue.acknowledge(third)
  assert.deepEqual(stamp(take(queue)), [3, 1, 4])
})

test('numbers begin anew even if the batch that showed the gap is gone', () => {
  const queue = queueOf(3)
  const [first, second] = [take(queue)!, take(queue)!]
  queue.land(first)
  queue.retryOutOfSequence(second, 0)
  assert.deepEqual(
    queue.removeWaiting(({ order }) => order === 1),
    [second],
  )
  assert.deepEqual(stamp(take(queue)), [2, 1, 0])
})

test('the parts of a split batch take its place and share its numbers, also when a part is split again', () => {
  const queue = queueOf(2, 8)
  const whole = take(queue)!
  const parts = queue.split(whole, newMemory)
  assert.ok(parts.length >= 2)
  const first = take(queue)!
  assert.equal(first, parts[0])
  queue.split(first, newMemory)
  const sequences: number[] = []
  for (let batch = take(queue); batch; batch = take(queue)) {
    sequences.push(batch.stamp!.baseSequence, batch.recordCount)
    queue.land(batch)
  }
  let next = 1
  for (let i = 0; i < sequences.length; i += 2) {
    assert.equal(sequences[i], next)
    next += sequences[i + 1]!
  }
  assert.equal(next, 17)
  assert.ok(queue.isEmpty)
})

test('without an identity batches carry no numbers', () => {
  const queue = queueOf(1, 2, true)
  assert.deepEqual(queue.take(null, undefined).stamp, { producerId: -1, producerEpoch: -1, baseSequence: -1 })
})

test('sequence numbers begin at 0 again after 2^31 - 1', () => {
  assert.equal(sequenceAfter(0x7fff_ffff, 1), 0)
  assert.equal(sequenceAfter(0x7fff_fffe, 3), 1)
})

test('a partition waits for as long as its oldest batch could have been sent', () => {
  const queue = queueOf(1)
  // Made at 0, to be sent at 5 at the latest.
  assert.deepEqual(
    [3, 5, 25].map((now) => queue.waitedMs(now, 5)),
    [0, 0, 20],
  )
  const batch = take(queue)!
  assert.equal(queue.waitedMs(25, 5), 0)
  queue.retry(batch, 0)
  assert.equal(queue.waitedMs(25, 5), 20)
})
