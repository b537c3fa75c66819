import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RebalanceEvent, RebalanceMove } from '@millrace/rest-api'
import { departureOf, OwnershipHistory, type Owners, RebalanceTimeline } from './rebalance-timeline.ts'

const one = 'http://one:8083/'
const two = 'http://two:8083/'

function event(generation: number, moved: readonly RebalanceMove[] = []): Omit<RebalanceEvent, 'moved_count'> {
  return {
    at: '2026-11-21T12:00:00.000Z',
    generation,
    trigger: 'leave',
    reason: `left or timed out: ${two}`,
    duration_ms: 12,
    leader_url: one,
    is_leader: true,
    members: [one],
    joined: [],
    left: [two],
    moved,
    delay_ms: 1000,
  }
}

function timeline(): { timeline: RebalanceTimeline; lines: string[] } {
  const lines: string[] = []
  const ignore = () => undefined
  const logger = { isDebugEnabled: false, trace: ignore, debug: ignore, info: (line: string) => void lines.push(line), warn: ignore, error: ignore }
  return { timeline: new RebalanceTimeline(logger), lines }
}

test('each rebalance is a line of the log', () => {
  const { timeline: kept, lines } = timeline()
  const moves = Array.from({ length: 7 }, (_, task) => ({ connector: 'a', task, from: two, to: one, paused_ms: task === 0 ? 40 : null }))
  kept.record(event(7, moves))
  assert.deepEqual(lines, [
    `Rebalance of generation 7 after 12 ms; trigger: leave (left or timed out: ${two}); leader: ${one}; workers: 1; left: ${two}; ` +
      `moved: a-0 from ${two} to ${one} after 40 ms, a-1 from ${two} to ${one}, a-2 from ${two} to ${one}, a-3 from ${two} to ${one}, a-4 from ${two} to ${one} and 2 more; ` +
      'work of absent workers waits 1000 ms',
  ])
})

test('the last hundred are kept, with two hundred moves each', () => {
  const { timeline: kept } = timeline()
  const moves = Array.from({ length: 300 }, (_, task) => ({ connector: 'a', task, from: null, to: one, paused_ms: null }))
  for (let generation = 1; generation <= 150; generation++) kept.record(event(generation, moves))
  assert.deepEqual([kept.events.length, kept.events[0]!.generation, kept.events.at(-1)!.generation], [100, 51, 150])
  assert.deepEqual([kept.events[0]!.moved.length, kept.events[0]!.moved_count], [200, 300])
})

test('what stood still is measured from the rebalance in which nobody had it any longer', () => {
  const owners = (tasks: Readonly<Record<string, string>>): Owners => ({ connectors: new Map(), tasks: new Map(Object.entries(tasks)) })
  const all = () => true
  const history = new OwnershipHistory(owners({ 'a-0': one, 'a-1': two, 'b-0': two }))
  const taken = history.advance(owners({ 'a-0': one }), 1000, (_, piece) => piece !== 'b-0')
  assert.deepEqual(taken, [
    { connector: 'a', task: 1, from: two, to: null, paused_ms: null },
    { connector: 'b', task: 0, from: two, to: null, paused_ms: null },
  ])
  const given = history.advance(owners({ 'a-0': one, 'a-1': one, 'b-0': one }), 1500, all)
  assert.deepEqual(given, [
    { connector: 'a', task: 1, from: null, to: one, paused_ms: 500 },
    // Deleted meanwhile, and created anew.
    { connector: 'b', task: 0, from: null, to: one, paused_ms: null },
  ])
  assert.deepEqual(history.advance(owners({ 'a-0': one, 'a-1': one, 'b-0': one }), 2000, all), [])
})

test('a worker has left whose states say that all it had was stopped; otherwise it vanished, unless nothing tells', () => {
  const by = (workerId: string, ...states: readonly string[]) => states.map((state) => ({ state, workerId }))
  assert.equal(departureOf(two, by('two:8083', 'UNASSIGNED', 'UNASSIGNED', 'FAILED')), 'left')
  assert.equal(departureOf(two, by('two:8083', 'UNASSIGNED', 'PAUSED')), 'timed out')
  assert.equal(departureOf('https://two/', by('two:443', 'RUNNING')), 'timed out')
  assert.equal(departureOf(two, [...by('one:8083', 'RUNNING'), ...by('two:8083', 'FAILED')]), 'left or timed out')
  assert.equal(departureOf(two, []), 'left or timed out')
})
