import assert from 'node:assert/strict'
import test from 'node:test'
import { DataError } from '@millrace/api'
import { runtimeFailure, FailureError } from '../errors/failure.ts'
import type { Answer, Refusal } from './messages.ts'
import { answer, Requests } from './requests.ts'

test('answers find their requests, refusals come back as errors', async () => {
  const requests = new Requests()
  const replies: (Answer | Refusal)[] = []
  const first = requests.send<number>(
    (request) =>
      void answer(
        (reply) => replies.push(reply),
        request,
        () => 7,
      ),
  )
  const second = requests.send(
    (request) =>
      void answer(
        (reply) => replies.push(reply),
        request,
        () => {
          throw new DataError('bad')
        },
      ),
  )
  await new Promise(setImmediate)
  for (const reply of replies.toReversed()) requests.settle(structuredClone(reply))
  assert.equal(await first, 7)
  await assert.rejects(second, (error: FailureError) => error.message === 'bad' && error.javaClass === 'org.apache.kafka.connect.errors.DataException')
})

test('when the other side is gone, all pending requests and all later ones fail', async () => {
  const requests = new Requests()
  const pending = requests.send(() => {})
  requests.failAll(new FailureError(runtimeFailure('THREAD_EXITED', 'gone')))
  await assert.rejects(pending, /gone/)
  await assert.rejects(
    requests.send(() => assert.fail('sent')),
    /gone/,
  )
  requests.settle({ type: 'answer', request: 99, value: null })
})

test('an answer that cannot be cloned is a refusal', async () => {
  const replies: (Answer | Refusal)[] = []
  await answer(
    (reply) => void replies.push(structuredClone(reply)),
    1,
    () => () => {},
  )
  assert.equal(replies[0]?.type, 'refusal')
})
