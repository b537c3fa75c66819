import assert from 'node:assert/strict'
import test from 'node:test'
import { ErrorCode, type FetchedPartitions } from '@millrace/kafka-protocol'
import { FetchSession, type FetchTarget } from './fetch-session.ts'

const target = (partition: number, fetchOffset = 0, more: Partial<FetchTarget> = {}): FetchTarget => {
  return { topic: 't', topicId: 'id', partition, fetchOffset, leaderEpoch: 1, ...more }
}

const answer = (sessionId: number, errorCode = 0): FetchedPartitions => {
  return { correlationId: 1, throttleTimeMs: 0, errorCode, sessionId, partitions: [], nodeEndpoints: [] }
}

function opened(...targets: readonly FetchTarget[]): FetchSession {
  const session = new FetchSession()
  session.plan(targets, true)
  session.answered(answer(7))
  return session
}

test('names everything at first, then what is new, moved or no longer wanted', () => {
  const session = new FetchSession()
  assert.deepEqual(session.plan([target(0), target(1)], true), { sessionId: 0, sessionEpoch: 0, named: [target(0), target(1)], forgotten: [] })
  session.answered(answer(7))
  assert.deepEqual(session.plan([target(0), target(1)], true), { sessionId: 7, sessionEpoch: 1, named: [], forgotten: [] })
  session.answered(answer(7))
  assert.deepEqual(session.plan([target(1, 5), target(2)], true), { sessionId: 7, sessionEpoch: 2, named: [target(1, 5), target(2)], forgotten: [target(0)] })
  session.answered(answer(7))
  assert.deepEqual(session.plan([target(1, 5, { leaderEpoch: 2 }), target(2)], true).named, [target(1, 5, { leaderEpoch: 2 })])
})

test('a topic that was made anew replaces the one that was', () => {
  const session = opened(target(0))
  const { named, forgotten } = session.plan([target(0, 0, { topicId: 'other' })], true)
  assert.deepEqual([named, forgotten], [[target(0, 0, { topicId: 'other' })], [target(0)]])
})

test('a broker without room for a session gets full fetches', () => {
  const session = opened(target(0))
  session.plan([target(0)], true)
  session.answered(answer(0))
  assert.deepEqual(session.plan([target(0)], true), { sessionId: 0, sessionEpoch: 0, named: [target(0)], forgotten: [] })
})

for (const [name, sessionId] of [
  ['FETCH_SESSION_ID_NOT_FOUND', 0],
  ['INVALID_FETCH_SESSION_EPOCH', 7],
  ['FETCH_SESSION_TOPIC_ID_ERROR', 7],
] as const) {
  test(`after ${name} a full fetch opens a session again`, () => {
    const session = opened(target(0))
    session.plan([target(0)], true)
    assert.equal(session.answered(answer(0, ErrorCode[name])), 'refused')
    assert.deepEqual(session.plan([target(0)], true), { sessionId, sessionEpoch: 0, named: [target(0)], forgotten: [] })
    // Refused again, there is something else wrong: no reason to ask without a pause.
    assert.equal(session.answered(answer(0, ErrorCode[name])), 'accepted')
  })
}

test('a session that there is can be ended, once', () => {
  const session = opened(target(0))
  assert.deepEqual(session.close(), { sessionId: 7, sessionEpoch: -1, named: [], forgotten: [] })
  assert.equal(session.close(), null)
  assert.equal(new FetchSession().close(), null)
})

test('after a failure, and when topics go by another kind of name, a full fetch replaces the session', () => {
  const session = opened(target(0))
  session.plan([target(0)], true)
  session.failed()
  assert.deepEqual(session.plan([target(0)], true), { sessionId: 7, sessionEpoch: 0, named: [target(0)], forgotten: [] })
  session.answered(answer(8))
  assert.equal(session.plan([target(0)], false).sessionEpoch, 0)
})
