import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConnectError } from '@millrace/api'
import type { TaskActivity } from '@millrace/rest-api'
import { waitFor } from '@millrace/testing'
import { ConnectorWatch } from './connector-watch.ts'

function make(timeoutMs: number) {
  const stalls: TaskActivity[] = []
  const watch = new ConnectorWatch({
    stall: { timeoutMs, action: 'none' },
    stalled: (activity) => void stalls.push(activity),
    mask: (text) => text.replaceAll('s3cret', '[hidden]'),
  })
  return { watch, stalls }
}

describe('the watch over a connector', () => {
  it('tells which call has not returned, and rests in the state of the instance', async () => {
    const { watch } = make(0)
    assert.equal(watch.progress().activity.state, 'starting')
    const started = Promise.withResolvers<null>()
    const start = watch.during('start', started.promise)
    assert.match(watch.progress().activity.detail, /^start\(\) has not returned for 0 s$/)
    started.resolve(null)
    await start
    watch.entered('started')
    assert.deepEqual({ ...watch.progress().activity, since: '' }, { state: 'running', since: '', detail: 'Its instance runs' })
    watch.entered('paused')
    assert.equal(watch.progress().activity.state, 'paused')
  })

  it('tells of a stall once, and lets nobody wait for a call that was given up', async () => {
    const { watch, stalls } = make(10)
    const call = watch.during('taskConfigs', new Promise<never>(() => {}))
    await waitFor(() => stalls.length > 0, { what: 'a stall', intervalMs: 1 })
    assert.deepEqual([stalls.length, stalls[0]?.stall?.call], [1, 'taskConfigs'])
    watch.giveUp(new Error('given up'))
    await assert.rejects(call, /given up/)
  })

  it('warns where it runs with zero tasks, with the reason, without secrets', () => {
    const { watch } = make(0)
    watch.generated(0)
    assert.deepEqual(watch.progress().warnings, [])
    watch.entered('started')
    assert.match(watch.progress().warnings[0] ?? '', /^It runs with zero tasks/)
    watch.refused(new ConnectError('no', { cause: new Error('login s3cret failed') }))
    assert.deepEqual(watch.progress().warnings, ['It could not divide its work into tasks, which is tried again: login [hidden] failed'])
    watch.generated(2)
    assert.deepEqual(watch.progress().warnings, [])
  })
})
