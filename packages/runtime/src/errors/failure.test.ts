import assert from 'node:assert/strict'
import test from 'node:test'
import { ConnectError, DataError, RetriableError } from '@millrace/api'
import { FailureError, failureOf, runtimeFailure } from './failure.ts'

test('a trace reads like one of Java, with its causes', () => {
  const failure = failureOf(new ConnectError('Tolerance exceeded in error handler', { cause: new DataError('not a number') }))
  assert.equal(failure.javaClass, 'org.apache.kafka.connect.errors.ConnectException')
  const lines = failure.trace.split('\n')
  assert.equal(lines[0], 'org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler')
  assert.match(lines[1] ?? '', /^\tat /)
  assert.ok(lines.includes('Caused by: org.apache.kafka.connect.errors.DataException: not a number'))
  assert.equal(lines.at(-1), '')
})

test('anything that is thrown has a failure', () => {
  assert.equal(failureOf(new TypeError('x is undefined')).trace.split('\n')[0], 'TypeError: x is undefined')
  assert.equal(failureOf('text').message, 'text')
  assert.equal(failureOf(undefined).message, 'undefined')
  assert.equal(failureOf(new RetriableError('later')).isRetriable, true)
  assert.equal(failureOf(Object.assign(new Error('gone'), { code: 'ENOENT' })).code, 'ENOENT')
})

test('a failure survives the way over a thread and back', () => {
  const failure = failureOf(new DataError('bad'))
  const revived = new FailureError(structuredClone(failure))
  assert.deepEqual(failureOf(revived), failure)
  const wrapped = failureOf(new ConnectError('outer', { cause: revived }))
  assert.match(wrapped.trace, /Caused by: org\.apache\.kafka\.connect\.errors\.DataException: bad\n\tat /)
})

test('a cycle of causes ends', () => {
  const error = new Error('self')
  error.cause = error
  assert.ok(failureOf(error).trace.length < 100_000)
  assert.equal(runtimeFailure('TASK_HANG', 'm').trace, 'org.apache.kafka.connect.errors.ConnectException: m\n')
})

test('whatever is thrown has a failure, also what cannot be looked at', () => {
  const hostile = new Error('x')
  Object.defineProperty(hostile, 'message', {
    get() {
      throw new Error('no')
    },
  })
  for (const thrown of [
    Object.create(null),
    hostile,
    new Proxy(
      {},
      {
        get: () => {
          throw new Error('no')
        },
      },
    ),
    null,
    Symbol('s'),
    Object.assign(new Error(), { message: 42 }),
  ]) {
    const { message, trace, causes } = failureOf(thrown)
    assert.deepEqual([typeof message, typeof trace, typeof causes[0]?.message], ['string', 'string', 'string'])
  }
})
