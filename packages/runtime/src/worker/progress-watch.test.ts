import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Logger } from '@millrace/api'
import type { TaskActivity } from '@millrace/rest-api'
import type { ActivityFacts, ProgressSnapshot, ReportedProgress } from '../thread/messages.ts'
import type { HeldThread } from '../thread/worker-thread.ts'
import { nothingTold } from './progress.ts'
import { ProgressWatch, type WatchedRun } from './progress-watch.ts'

const TIMEOUT_MS = 10_000
const id = { connector: 'c', task: 0 }

function told(facts: Partial<ActivityFacts>): ProgressSnapshot {
  const nothing = nothingTold()
  return { ...nothing, facts: { ...nothing.facts, phase: 'running', ...facts } }
}

function make() {
  let nowMs = 0
  const lines: string[] = []
  const log = (message: string) => void lines.push(message)
  const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info: log, warn: log, error: log }
  const stalls: TaskActivity[] = []
  const thread = { held: null as HeldThread | null, answer: [] as readonly ReportedProgress[], readAllProgress: async () => thread.answer }
  const run: { -readonly [Key in keyof WatchedRun]: WatchedRun[Key] } = { start: { id, incarnation: 1 }, thread, stallTimeoutMs: TIMEOUT_MS, hasFailed: false }
  let runs: WatchedRun[] = [run]
  const watch = new ProgressWatch({ runs: () => runs, run: () => runs[0], stalled: (_run, activity) => void stalls.push(activity), logger, now: () => nowMs })
  const tell = (facts: Partial<ActivityFacts>) => void (thread.answer = [{ incarnation: 1, progress: told(facts) }])
  return { watch, run, thread, tell, stalls, lines, pass: (ms: number) => void (nowMs += ms), end: () => void (runs = []) }
}

describe('the watch over tasks', () => {
  it('knows a task as starting from its beginning', () => {
    const { watch, run } = make()
    assert.equal(watch.progress(id), null)
    watch.began(run)
    assert.equal(watch.progress(id)?.activity.state, 'starting')
    watch.close()
  })

  it('tells of a stall once, and again when it comes again', async () => {
    const { watch, run, tell, stalls, lines, pass } = make()
    watch.began(run)
    tell({ calls: [{ call: 'put', forMs: TIMEOUT_MS }] })
    await watch.look()
    pass(100)
    await watch.look()
    assert.deepEqual([stalls.length, stalls[0]?.stall?.call], [1, 'put'])
    tell({})
    await watch.look()
    tell({ calls: [{ call: 'put', forMs: TIMEOUT_MS }] })
    await watch.look()
    assert.equal(stalls.length, 2)
    assert.deepEqual(lines, [
      'Task c-0 is stalled: put() has not returned for 10 s',
      'Task c-0 is no longer stalled',
      'Task c-0 is stalled: put() has not returned for 10 s',
    ])
    watch.close()
  })

  it('sees a thread that does not answer from outside', async () => {
    const { watch, run, thread, stalls } = make()
    watch.began(run)
    thread.readAllProgress = () => Promise.reject(new Error('gone'))
    thread.held = { slot: 1, call: 'poll', forMs: TIMEOUT_MS }
    await watch.look()
    assert.equal(stalls[0]?.stall?.call, 'poll')
    watch.close()
  })

  it('keeps why a task ended, and forgets it when it begins again', () => {
    const { watch, run, end } = make()
    watch.began(run)
    run.hasFailed = true
    watch.ended(run)
    watch.told(run, told({ phase: 'ended' }))
    end()
    watch.ended(run)
    watch.stopped(id, 'aborted')
    assert.deepEqual([watch.progress(id)?.activity.state, watch.progress(id)?.stop], ['failed', 'aborted'])
    watch.began({ ...run, start: { id, incarnation: 2 }, hasFailed: false })
    assert.equal(watch.progress(id)?.stop, undefined)
    watch.close()
  })
})
