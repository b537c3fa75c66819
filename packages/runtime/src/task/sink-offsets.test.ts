import assert from 'node:assert/strict'
import test from 'node:test'
import type { TopicPartitionOffset } from '@millrace/api'
import { commitDecision } from './sink-offsets.ts'
import { partitionName } from './topic-partitions.ts'

const at = (partition: number, offset: number, metadata?: string): TopicPartitionOffset =>
  metadata === undefined ? { topic: 't', partition, offset } : { topic: 't', partition, offset, metadata }
const map = (...offsets: TopicPartitionOffset[]) => new Map(offsets.map((offset) => [partitionName(offset), offset]))

test('commits what the task returned and keeps the last commit of partitions that it left out', () => {
  const decision = commitDecision({ current: map(at(0, 10), at(1, 20)), committed: map(at(0, 5), at(1, 15)), returned: [at(0, 8)] })
  assert.deepEqual(decision, { committable: [at(0, 8), at(1, 15)], accepted: [at(0, 8)], warnings: [] })
})

test('commits nothing where the task returned nothing, or what is committed already', () => {
  assert.deepEqual(commitDecision({ current: map(at(0, 10)), committed: map(at(0, 5)), returned: [] }).committable, [])
  assert.deepEqual(commitDecision({ current: map(at(0, 10)), committed: map(at(0, 5)), returned: [at(0, 5)] }).committable, [])
})

test('ignores offsets above what was delivered and foreign partitions, with a warning', () => {
  const decision = commitDecision({ current: map(at(0, 10)), committed: map(at(0, 5)), returned: [at(0, 11), at(7, 1)] })
  assert.deepEqual(decision.committable, [])
  assert.deepEqual(decision.accepted, [])
  assert.equal(decision.warnings.length, 2)
})

test('commits where only the metadata changed', () => {
  assert.deepEqual(commitDecision({ current: map(at(0, 10)), committed: map(at(0, 5)), returned: [at(0, 5, 'm')] }).committable, [at(0, 5, 'm')])
})
