import assert from 'node:assert/strict'
import test from 'node:test'
import { PartitionQueue } from './partition-queue.ts'
import { Partitioner, type PartitionerOptions, partitionForKey } from './partitioner.ts'

const queues = [0, 1, 2].map((partition) => new PartitionQueue('t', partition))

function partitioner(options: Partial<PartitionerOptions> = {}): Partitioner {
  return new Partitioner({ kind: 'sticky', isKeyIgnored: false, isAdaptive: false, batchBytesMax: 1_000, isAvailable: () => true, ...options })
}

test('a key always goes to the same partition, as text or bytes', () => {
  assert.equal(partitionForKey('21', 1_000), partitionForKey(Buffer.from('21'), 1_000))
  // From the tests of the Java client: murmur2("21") is -973932308.
  assert.equal(partitionForKey('21', 0x7fff_ffff), (-973_932_308 & 0x7fff_ffff) % 0x7fff_ffff)
})

test('records without a key stay in one partition for a batch of bytes, then move on', () => {
  const random = [0, 0.5, 0.99]
  const sticky = partitioner({ random: () => random.shift() ?? 0 })
  const chosen = Array.from({ length: 30 }, () => sticky.choose(null, 100, queues))
  assert.deepEqual(chosen, [...Array(10).fill(0), ...Array(10).fill(1), ...Array(10).fill(2)])
})

test('partitions without a leader are avoided, unless none has one', () => {
  const sticky = partitioner({ batchBytesMax: 0, isAvailable: ({ partition }) => partition === 2 })
  assert.equal(sticky.choose(null, 100, queues), 2)
  assert.ok(partitioner({ isAvailable: () => false }).choose(null, 100, queues) >= 0)
})

test('round robin takes one partition after the other, whatever the key', () => {
  const roundRobin = partitioner({ kind: 'round-robin' })
  assert.deepEqual(
    ['a', null, 'a', null].map((key) => roundRobin.choose(key, 1, queues)),
    [0, 1, 2, 0],
  )
})

test('keys are ignored where that is asked for', () => {
  const sticky = partitioner({ isKeyIgnored: true, random: () => 0 })
  assert.equal(sticky.choose('any', 1, queues), 0)
})
