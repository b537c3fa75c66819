import assert from 'node:assert/strict'
import test from 'node:test'
import { ConnectError, DataError } from '@millrace/api'
import { FailureError, failureOf } from './failure.ts'
import { headlineOf, reported, statusTraceOf } from './failure-report.ts'
import { SecretMask } from './secret-mask.ts'
import { StageError } from './stage-error.ts'

const at = new Date('2026-01-02T03:04:05.678Z')

function failedRecord(): StageError {
  return new StageError('TRANSFORMATION', 'a.Cast$Value', new DataError('no field "amount"'), {
    transform: { alias: 'cast', position: 2 },
    record: { topic: 'orders', partition: 3, offset: 7 },
  })
}

test('a report tells cause, class, hint, place, causes and what came before', () => {
  const { report } = reported(failureOf(failedRecord()), { connector: 'c', task: 1, stage: 'poll' }, ['12:00 RUNNING'], { at })
  assert.deepEqual(report, {
    root_cause: 'Transformation "cast" (a.Cast$Value) cannot handle a record: no field "amount"',
    class: 'data',
    hint: 'MR-2201',
    try: 'Let a predicate keep such records away from the transformation, or set errors.tolerance=all to leave them out.',
    where: { connector: 'c', task: 1, stage: 'TRANSFORMATION', transform: { alias: 'cast', position: 2 }, topic: 'orders', partition: 3, offset: 7 },
    causes: [
      'org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler',
      'org.apache.kafka.connect.errors.DataException: no field "amount"',
    ],
    at: '2026-01-02T03:04:05.678Z',
    later_failures: 0,
    recent_events: ['12:00 RUNNING'],
  })
})

test('the trace of the status begins with cause, place and advice, a line each; the one of Java follows', () => {
  const failure = reported(failureOf(failedRecord()), { connector: 'c', task: 1 }, [])
  const lines = statusTraceOf(failure).split('\n')
  assert.deepEqual(lines.slice(0, 4), [
    'Transformation "cast" (a.Cast$Value) cannot handle a record: no field "amount" [MR-2201]',
    'at connector "c", task 1, TRANSFORMATION, transformation "cast" (number 2), topic "orders", partition 3, offset 7',
    'Try: Let a predicate keep such records away from the transformation, or set errors.tolerance=all to leave them out.',
    'org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler',
  ])
  assert.ok(lines.includes('Caused by: org.apache.kafka.connect.errors.DataException: no field "amount"'))
  assert.ok(failure.report !== null && lines[0] === headlineOf(failure.report))
})

test('the first report stays, also over a thread', () => {
  const first = reported(failureOf(new Error('first')), { connector: 'c', stage: 'start' }, [])
  const again = reported(failureOf(new FailureError(structuredClone(first))), { connector: 'other' }, ['late'])
  assert.deepEqual(again, first)
})

test('a failure without a report has the trace of Java alone', () => {
  assert.match(statusTraceOf(failureOf(new ConnectError('x'))), /^org\.apache\.kafka\.connect\.errors\.ConnectException: x\n/)
})

test('no secret is in any part of it', () => {
  const { mask } = new SecretMask(['hunter2'])
  const cause = Object.assign(new Error('open hunter2'), { code: 'ENOENT', path: '/hunter2' })
  const error = new StageError('VALUE_CONVERTER', 'a.C', cause, {
    record: { topic: 't', source_partition: { url: 'x://hunter2@h' }, source_offset: { position: 5n, at: 'hunter2' } },
  })
  const failure = reported(failureOf(error), { connector: 'c' }, ['DEBUG logged in with hunter2'], { mask })
  assert.ok(!JSON.stringify(failure).includes('hunter2'), JSON.stringify(failure))
  assert.deepEqual(failure.report?.where.source_offset, { position: '5', at: '[hidden]' })
  assert.match(failure.report?.recent_events[0] ?? '', /with \[hidden\]$/)
})

test('a secret of several lines, or at the place where a text is cut, is found', () => {
  const key = `-----BEGIN-----\n${'a'.repeat(600)}\n-----END-----`
  const { mask } = new SecretMask([key])
  const { report } = reported(failureOf(new Error(`${'x'.repeat(300)} ${key}`)), { connector: 'c' }, [], { mask })
  assert.match(report?.root_cause ?? '', /^x{300} \[hidden\]$/)
  assert.match(report?.causes[0] ?? '', /x{300} \[hidden\]$/)
})

test('positions that JSON cannot hold, or that are too long, are left out', () => {
  const loop: Record<string, unknown> = {}
  loop['self'] = loop
  for (const position of [loop, { text: 'x'.repeat(2_000) }]) {
    const error = new StageError('VALUE_CONVERTER', 'a.C', new DataError('no'), { record: { topic: 't', source_partition: {}, source_offset: position } })
    const where = reported(failureOf(error), { connector: 'c' }, []).report?.where
    assert.deepEqual([where?.source_partition, where?.source_offset], [{}, undefined])
  }
})
