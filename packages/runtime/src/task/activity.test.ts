import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConnectError } from '@millrace/api'
import { Activity } from './activity.ts'
import { Occupancy } from './occupancy.ts'

function make() {
  let nowMs = 1_000
  const marks: string[] = []
  const occupancy = new Occupancy({ enter: (_slot, call) => void marks.push(call), leave: () => void marks.push('-') }, 1)
  const activity = new Activity(occupancy, { now: () => nowMs, mask: (text) => text.replaceAll('s3cret', '[hidden]') })
  return { activity, marks, pass: (ms: number) => void (nowMs += ms) }
}

describe('the activity of a task', () => {
  it('has a call until what it returned is settled, and marks the thread only while it runs synchronously', async () => {
    const { activity, marks, pass } = make()
    const put = Promise.withResolvers<string>()
    const result = activity.during('put', () => put.promise)
    pass(300)
    assert.deepEqual(activity.facts().calls, [{ call: 'put', forMs: 300 }])
    assert.deepEqual(marks, ['put', '-'])
    put.resolve('done')
    assert.equal(await result, 'done')
    assert.deepEqual(activity.facts().calls, [])
  })

  it('forgets a call that throws or rejects, and lets its error through', async () => {
    const { activity } = make()
    assert.throws(
      () =>
        activity.during('poll', () => {
          throw new Error('thrown')
        }),
      /thrown/,
    )
    await assert.rejects(async () => activity.during('poll', () => Promise.reject(new Error('rejected'))), /rejected/)
    assert.deepEqual(activity.facts().calls, [])
  })

  it('has calls that overlap, the longest first', () => {
    const { activity, pass } = make()
    void activity.during('commit', () => new Promise(() => {}))
    pass(50)
    void activity.during('poll', () => new Promise(() => {}))
    pass(10)
    assert.deepEqual(activity.facts().calls, [
      { call: 'commit', forMs: 60 },
      { call: 'poll', forMs: 10 },
    ])
  })

  it('says what is tried again since when, by its root cause, without secrets', () => {
    const { activity, pass } = make()
    activity.retries(1, new ConnectError('put failed', { cause: new Error('user s3cret is unknown') }), 500)
    pass(400)
    assert.deepEqual(activity.facts().retry, { attempt: 1, cause: 'user [hidden] is unknown', forMs: 400, nextInMs: 100 })
    activity.failedAgain(new Error('still'), null)
    assert.deepEqual(activity.facts().retry, { attempt: 2, cause: 'still', forMs: 400, nextInMs: null })
    activity.recovered()
    assert.equal(activity.facts().retry, null)
  })

  it('keeps since when a phase, a batch and a membership last', () => {
    const { activity, pass } = make()
    pass(10)
    activity.enter('running')
    activity.member(true)
    activity.gathers({ records: 1, of: 10, untilMs: 5 })
    pass(20)
    activity.enter('running')
    activity.gathers({ records: 2, of: 10, untilMs: 5 })
    activity.hasRead()
    activity.hasDelivered(2)
    pass(5)
    const { phase, phaseForMs, batch, group, readForMs, delivered } = activity.facts()
    assert.deepEqual([phase, phaseForMs, group, readForMs, delivered], ['running', 25, { isMember: true, forMs: 25 }, 5, 2])
    assert.deepEqual(batch, { records: 2, of: 10, untilMs: 5, forMs: 25 })
  })
})
