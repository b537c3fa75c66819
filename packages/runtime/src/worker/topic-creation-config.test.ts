import assert from 'node:assert/strict'
import test from 'node:test'
import { topicCreationConfig } from './topic-creation-config.ts'

test('topics are left to the broker where the connector says nothing', () => {
  assert.equal(topicCreationConfig({ name: 'c' }), null)
})

test('groups come in their order, the default group last, and inherit its numbers', () => {
  const config = topicCreationConfig({
    'topic.creation.default.partitions': '3',
    'topic.creation.default.replication.factor': '-1',
    'topic.creation.groups': 'compacted, big',
    'topic.creation.compacted.include': 'state.*, table\\..*',
    'topic.creation.compacted.cleanup.policy': 'compact',
    'topic.creation.big.include': '.*',
    'topic.creation.big.exclude': 'small.*',
    'topic.creation.big.partitions': '100',
  })
  assert.deepEqual(config?.groups, [
    {
      name: 'compacted',
      include: ['state.*', 'table\\..*'],
      exclude: [],
      partitions: 3,
      replicationFactor: -1,
      configs: { 'cleanup.policy': 'compact' },
    },
    { name: 'big', include: ['.*'], exclude: ['small.*'], partitions: 100, replicationFactor: -1, configs: {} },
    { name: 'default', include: [], exclude: [], partitions: 3, replicationFactor: -1, configs: {} },
  ])
})

test('the default group has to say how many partitions and replicas', () => {
  assert.throws(() => topicCreationConfig({ 'topic.creation.default.partitions': '1' }), /topic\.creation\.default\.replication\.factor/)
})
