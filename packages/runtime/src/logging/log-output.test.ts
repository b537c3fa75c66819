import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { jsonLayout, logToStream, textLayout, type LogRecord } from './log-output.ts'

const record: LogRecord = {
  timestampMs: new Date(2026, 0, 2, 3, 4, 5, 678).getTime(),
  level: 'INFO',
  logger: 'org.example.Thing',
  connector: null,
  task: null,
  message: 'done',
  trace: null,
}

test('text lines are laid out as those of the original', () => {
  assert.equal(textLayout(record), '[2026-01-02 03:04:05,678] INFO done (org.example.Thing)\n')
  assert.equal(textLayout({ ...record, connector: 'c', task: 0 }), '[2026-01-02 03:04:05,678] INFO [c|task-0] done (org.example.Thing)\n')
  assert.equal(textLayout({ ...record, connector: 'c' }), '[2026-01-02 03:04:05,678] INFO [c|worker] done (org.example.Thing)\n')
  assert.equal(textLayout({ ...record, trace: 'java.lang.Error: x\n\tat y\n' }).split('\n')[1], 'java.lang.Error: x')
})

test('a JSON line is one object on one line', () => {
  const line = jsonLayout({ ...record, message: 'two\nlines', connector: 'c', task: 3 })
  assert.equal(line.indexOf('\n'), line.length - 1)
  assert.deepEqual(JSON.parse(line), {
    time: new Date(record.timestampMs).toISOString(),
    level: 'INFO',
    logger: 'org.example.Thing',
    connector: 'c',
    task: 3,
    message: 'two\nlines',
  })
})

test('a reader of the log that goes away does not end the worker', () => {
  const stream = new PassThrough()
  const write = logToStream('text', stream)
  write(record)
  stream.emit('error', new Error('write EPIPE'))
  write(record)
  assert.equal(String(stream.read()).split('\n').length, 2)
})
