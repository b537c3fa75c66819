import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FileStreamSinkConnector } from './sink-connector.ts'
import { FileStreamSourceConnector } from './source-connector.ts'

const properties = { file: '/tmp/a.txt', topic: 'lines' }

test('says what is wrong with a source configuration in the words of the original', () => {
  const messagesOf = (config: Record<string, string>): unknown[] =>
    new FileStreamSourceConnector()
      .config()
      .validate(config)
      .values.map((value) => [value.name, value.errorMessages])
  assert.deepEqual(messagesOf({ 'batch.size': 'many' }), [
    ['file', []],
    ['topic', ['Missing required configuration "topic" which has no default value.']],
    ['batch.size', ['Invalid value many for configuration batch.size: Not a number of type INT']],
  ])
  assert.deepEqual(messagesOf({ topic: '' })[1], ['topic', ['Invalid value  for configuration topic: String must be non-empty']])
})

test('supports exactly-once delivery for files only', () => {
  const connector = new FileStreamSourceConnector()
  assert.equal(connector.exactlyOnceSupport(properties), 'SUPPORTED')
  assert.equal(connector.exactlyOnceSupport({ topic: 'lines' }), 'UNSUPPORTED')
  assert.equal(connector.exactlyOnceSupport({ topic: 'lines', file: '' }), 'UNSUPPORTED')
})

test('accepts offsets that the source could have written, and the removal of any', () => {
  const connector = new FileStreamSourceConnector()
  const alter = (partition: object, offset: object | null): boolean => connector.alterOffsets(properties, [{ partition, offset } as never])
  assert.equal(alter({ filename: '/tmp/a.txt' }, { position: 5 }), true)
  assert.equal(alter({ other: 1 }, null), true)
  assert.throws(() => alter({ filename: 'a' }, {}), { message: "Offset objects should either be null or contain the key 'position'" })
  assert.throws(() => alter({ filename: 'a' }, { position: '5' }), {
    message: "The value for the 'position' key in the offset is expected to be a Long value",
  })
  assert.throws(() => alter({ filename: 'a' }, { position: 1.5 }), /expected to be a Long value/)
  assert.throws(() => alter({ filename: 'a' }, { position: -1 }), {
    message: "The value for the 'position' key in the offset should be a non-negative value",
  })
  assert.throws(() => alter({ file: 'a' }, { position: 1 }), { message: "Partition objects should contain the key 'filename'" })
  assert.throws(() => connector.alterOffsets({ topic: 'lines' }, []), /Offsets cannot be modified if the 'file' configuration is unspecified/)
})

test('reads with one task and writes with as many as there may be', () => {
  const context = { logger: { info: () => {} } } as never
  const source = new FileStreamSourceConnector()
  source.start(properties, context)
  assert.deepEqual(source.taskConfigs(), [properties])
  const sink = new FileStreamSinkConnector()
  sink.start(properties, context)
  assert.deepEqual(sink.taskConfigs(2), [properties, properties])
  assert.equal(source.taskClass().javaClass, 'org.apache.kafka.connect.file.FileStreamSourceTask')
  assert.equal(sink.taskClass().javaClass, 'org.apache.kafka.connect.file.FileStreamSinkTask')
})
