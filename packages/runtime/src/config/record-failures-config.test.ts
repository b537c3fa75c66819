import assert from 'node:assert/strict'
import test from 'node:test'
import { recordFailuresConfig, recordFailuresErrors } from './record-failures-config.ts'

const topic = { 'errors.deadletterqueue.topic.name': 'dead' }

test('without a setting of ours everything is as in the original', () => {
  assert.deepEqual(recordFailuresConfig({}), {
    put: { isTolerated: false, attemptsMax: 1000 },
    budget: { recordsMax: -1, perMinuteMax: -1 },
    quarantine: null,
    hasSourceDeadLetters: false,
    tracesPerSecondMax: 100,
    imbalanceAction: 'log',
  })
})

test('the topic of the quarantine stands beside that of the dead letters, unless it is named', () => {
  const enabled = { ...topic, 'millrace.errors.quarantine.enable': 'true' }
  assert.deepEqual(recordFailuresConfig(enabled).quarantine, { topic: 'dead.quarantine', keysMax: 10_000 })
  assert.equal(recordFailuresConfig({ ...enabled, 'millrace.errors.quarantine.topic.name': ' keys ' }).quarantine?.topic, 'keys')
})

test('what needs a dead-letter topic says so where there is none', () => {
  const messages = recordFailuresErrors('sink', { 'millrace.errors.put.tolerance': 'all', 'millrace.errors.quarantine.enable': 'true' })
  assert.deepEqual(messages, [
    {
      key: 'millrace.errors.put.tolerance',
      message: 'Invalid value all for configuration millrace.errors.put.tolerance: It needs a dead-letter topic. Set errors.deadletterqueue.topic.name.',
    },
    {
      key: 'millrace.errors.quarantine.enable',
      message: 'Invalid value true for configuration millrace.errors.quarantine.enable: It needs a dead-letter topic. Set errors.deadletterqueue.topic.name.',
    },
  ])
  assert.deepEqual(recordFailuresErrors('sink', { ...topic, 'millrace.errors.put.tolerance': 'all' }), [])
})

test('what is for the other kind of connector is refused, and so are dead letters of a source that tolerates nothing', () => {
  const put = { ...topic, 'millrace.errors.put.tolerance': 'all' }
  const source = { ...topic, 'millrace.errors.source.deadletterqueue.enable': 'true' }
  assert.match(recordFailuresErrors('source', put)[0]?.message ?? '', /It is for sinks, and this connector is a source\.$/)
  assert.match(recordFailuresErrors('sink', source)[0]?.message ?? '', /It is for sources, and this connector is a sink\.$/)
  assert.match(recordFailuresErrors('source', source)[0]?.message ?? '', /It needs errors\.tolerance=all\.$/)
  assert.deepEqual(recordFailuresErrors('source', { ...source, 'errors.tolerance': 'all' }), [])
})

test('a sink does not read the topic of its own quarantine', () => {
  const enabled = { ...topic, 'millrace.errors.quarantine.enable': 'true' }
  assert.deepEqual(recordFailuresErrors('sink', { ...enabled, topics: 'orders' }), [])
  assert.deepEqual(recordFailuresErrors('sink', { ...enabled, 'topics.regex': 'dead.*' }), [
    { key: 'topics.regex', message: 'Invalid value dead.* for configuration topics.regex: The topic of the quarantine, dead.quarantine, is among them.' },
  ])
  assert.equal(recordFailuresErrors('sink', { ...enabled, topics: 'a, keys', 'millrace.errors.quarantine.topic.name': 'keys' })[0]?.key, 'topics')
})
