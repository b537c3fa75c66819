import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LogRecord } from './log-output.ts'
import { LOGGER_NAMES } from './logger-names.ts'
import { Loggers } from './loggers.ts'

function loggersWithLines() {
  const lines: LogRecord[] = []
  return { lines, loggers: new Loggers({ rootLevel: 'INFO', write: (record) => lines.push(record), now: () => 1000 }) }
}

test('a module of ours speaks under the name of the logger of the original', () => {
  const { lines, loggers } = loggersWithLines()
  loggers.logger('rest/server').info('up')
  assert.equal(lines[0]?.logger, 'org.apache.kafka.connect.runtime.rest.RestServer')
  assert.equal(lines[0]?.message, 'up')
})

test('the nearest configured name above a logger decides its level', () => {
  const { lines, loggers } = loggersWithLines()
  loggers.setLevel('org.example', 'DEBUG')
  loggers.logger('org.example.a.B').debug('heard')
  loggers.logger('org.examples').debug('not heard')
  assert.deepEqual(
    lines.filter((line) => line.level === 'DEBUG').map((line) => line.message),
    ['heard'],
  )
})

test('a change reaches loggers that exist already, by plain prefix', () => {
  const { lines, loggers } = loggersWithLines()
  const near = loggers.logger('org.foo')
  const beside = loggers.logger('org.foobar')
  assert.deepEqual(loggers.setLevel('org.foo', 'ERROR'), ['org.foo', 'org.foobar'])
  near.warn('no')
  beside.warn('no')
  beside.error('yes')
  assert.deepEqual(
    lines.slice(1).map((line) => line.message),
    ['yes'],
  )
})

test('only loggers whose level really changes are named, and a name that was unknown becomes known', () => {
  const { loggers } = loggersWithLines()
  assert.equal(loggers.level('org.new'), null)
  assert.deepEqual(loggers.setLevel('org.new', 'INFO'), [])
  assert.deepEqual(loggers.level('org.new'), { level: 'INFO', last_modified: null })
  assert.deepEqual(loggers.setLevel('org.new', 'DEBUG'), ['org.new'])
  assert.deepEqual(loggers.setLevel('org.new', 'DEBUG'), [])
  assert.deepEqual(loggers.level('org.new'), { level: 'DEBUG', last_modified: 1000 })
})

test('root may be written in any case and reaches every logger', () => {
  const { loggers } = loggersWithLines()
  const changed = loggers.setLevel('ROOT', 'WARN')
  assert.ok(changed.includes('root'))
  assert.ok(changed.includes('org.apache.kafka.connect.runtime.Worker'))
  assert.deepEqual(changed, [...changed].sort())
  assert.deepEqual(loggers.level('Root'), { level: 'WARN', last_modified: 1000 })
})

test('loggers that are off are not listed', () => {
  const { loggers } = loggersWithLines()
  loggers.setLevel('org.silent', 'OFF')
  assert.equal('org.silent' in loggers.allLevels(), false)
  assert.deepEqual(loggers.allLevels().root, { level: 'INFO', last_modified: null })
})

test('threads are told every change', () => {
  const { loggers } = loggersWithLines()
  const told: unknown[] = []
  const end = loggers.onLevelsChange((levels) => told.push(levels))
  loggers.setLevel('org.foo', 'ALL')
  end()
  loggers.setLevel('org.foo', 'WARN')
  assert.deepEqual(told, [{ root: 'INFO', 'org.foo': 'TRACE' }])
})

test('each module in the table of names is there', () => {
  const packages = join(import.meta.dirname, '../../..')
  const files = Object.keys(LOGGER_NAMES).map((module) =>
    module.startsWith('kafka/') ? `kafka/src/${module.slice(6)}/${module.slice(6)}.ts` : `runtime/src/${module}.ts`,
  )
  assert.deepEqual(
    files.filter((file) => !existsSync(join(packages, file))),
    [],
  )
})
