import assert from 'node:assert/strict'
import test from 'node:test'
import { listsDefaultGroup, topicCreationConfig, topicCreationErrors } from './topic-creation-config.ts'

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

test('every mistake is told on its key', () => {
  const errors = topicCreationErrors({
    'topic.creation.groups': 'a, default, b',
    'topic.creation.a.include': 'good, b(d',
    'topic.creation.a.partitions': '0',
    'topic.creation.b.exclude': 'a*+',
    'topic.creation.b.replication.factor': 'many',
    'topic.creation.default.partitions': '-2',
    'topic.creation.default.include': 'ignored(',
    'topic.creation.unlisted.partitions': '0',
  })
  assert.deepEqual(
    errors.map(({ key, message }) => [key, message.replace(/(?<=regular expression: ).*/, '…')]),
    [
      ['topic.creation.a.include', 'Invalid value [good, b(d] for configuration topic.creation.a.include: Syntax error in regular expression: …'],
      [
        'topic.creation.a.partitions',
        "Invalid value 0 for configuration topic.creation.a.partitions: Number of partitions must be positive, or -1 to use the broker's default",
      ],
      ['topic.creation.b.exclude', 'Invalid value [a*+] for configuration topic.creation.b.exclude: Syntax error in regular expression: …'],
      ['topic.creation.b.replication.factor', 'Invalid value many for configuration topic.creation.b.replication.factor: Not a number of type SHORT'],
      ['topic.creation.default.replication.factor', 'Missing required configuration "topic.creation.default.replication.factor" which has no default value.'],
      [
        'topic.creation.default.partitions',
        "Invalid value -2 for configuration topic.creation.default.partitions: Number of partitions must be positive, or -1 to use the broker's default",
      ],
    ],
  )
  assert.deepEqual(topicCreationErrors({ name: 'c' }), [])
})

test('the default group may be listed without effect', () => {
  const properties = { 'topic.creation.groups': 'default', 'topic.creation.default.partitions': '1', 'topic.creation.default.replication.factor': '1' }
  assert.deepEqual(
    topicCreationConfig(properties)?.groups.map(({ name }) => name),
    ['default'],
  )
  assert.equal(listsDefaultGroup(properties), true)
})
