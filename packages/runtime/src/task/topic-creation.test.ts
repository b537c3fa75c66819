import assert from 'node:assert/strict'
import test from 'node:test'
import type { Logger } from '@millrace/api'
import { type NewTopic, type TopicAdmin, TopicCreation } from './topic-creation.ts'

const quiet: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn() {}, error() {} }
const group = (name: string, include: string[], exclude: string[] = []) => ({
  name,
  include,
  exclude,
  partitions: 2,
  replicationFactor: 1,
  configs: { from: name },
})

function admin(existing: readonly string[], created: NewTopic[], error: Error | null = null): TopicAdmin {
  return {
    topicExists: async (topic) => existing.includes(topic),
    async createTopic(topic) {
      if (error) throw error
      created.push(topic)
      return true
    },
    async close() {},
  }
}

test('a missing topic is created as the first group says that matches its whole name', async () => {
  const created: NewTopic[] = []
  const groups = [group('orders', ['orders'], []), group('some', ['ord.*', 'x'], ['orders-private']), group('default', [])]
  const topics = new TopicCreation({ groups }, admin(['there'], created), quiet)
  for (const topic of ['there', 'orders', 'orders-2', 'orders-private', 'xy']) await topics.ensureExists(topic)
  assert.deepEqual(
    created.map(({ name, configs }) => [name, configs['from']]),
    [
      ['orders', 'orders'],
      ['orders-2', 'some'],
      ['orders-private', 'default'],
      ['xy', 'default'],
    ],
  )
})

test('a topic that cannot be created fails the task, unless that may change', async () => {
  const groups = [group('default', [])]
  const refused = new TopicCreation({ groups }, admin([], [], new Error('not authorized')), quiet)
  await assert.rejects(refused.ensureExists('t'), /Task failed to create new topic t\. Ensure that the task is authorized/)
  const later = Object.assign(new Error('no leader yet'), { retriable: true })
  await assert.rejects(new TopicCreation({ groups }, admin([], [], later), quiet).ensureExists('t'), (error) => error === later)
})
