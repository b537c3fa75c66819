import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { waitFor } from '@millrace/testing'
import type { Answers } from './distributed-recording.ts'
import { distributedRestDifferences } from './distributed-rest-differences.ts'
import { AskedWorker, callName, type RestCall, restCalls } from './rest-calls.ts'

/** Asks a worker of ours everything, and compares with how Kafka Connect answered. A test for each call. */
export async function compareWorker(t: TestContext, url: string, recorded: Answers): Promise<void> {
  const names = restCalls.map(callName)
  assert.deepEqual(Object.keys(recorded), names, 'The recording is of other calls: make it anew with tests/compat/record-distributed-rest.ts.')
  assert.deepEqual(
    Object.keys(distributedRestDifferences).filter((name) => !names.includes(name)),
    [],
    'Every difference belongs to a call.',
  )
  const worker = new AskedWorker(url)
  await worker.ready()
  for (const [index, call] of restCalls.entries()) {
    const name = callName(call, index)
    await t.test(name, () => compare(call, name, worker, recorded))
  }
}

/** Reads are repeated until they answer as recorded, since what they show takes a moment; changes are made once. */
async function compare(call: RestCall, name: string, worker: AskedWorker, recorded: Answers): Promise<void> {
  const theirs = recorded[name]
  assert.ok(theirs !== undefined)
  const difference = distributedRestDifferences[name]
  const expected = difference === undefined ? theirs : { ...theirs, ...difference.ours(theirs) }
  let answer = await worker.ask(call)
  if (call.method === 'GET') {
    await waitFor(
      async () => {
        if (isDeepStrictEqual(answer, expected)) return true
        answer = await worker.ask(call)
        return false
      },
      { what: 'the recorded answer', deadlineMs: 5_000 },
    ).catch(() => undefined)
  }
  assert.deepEqual(answer, expected, difference?.reason)
}
