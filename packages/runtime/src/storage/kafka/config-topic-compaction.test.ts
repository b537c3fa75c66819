import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBySeed } from '@millrace/testing'
import {
  commitEntry,
  configTopicRecord,
  connectorEntry,
  connectorTombstone,
  targetStateEntry,
  targetStateTombstone,
  taskEntry,
} from './config-topic-records.ts'
import { ConfigTopicState } from './config-topic-state.ts'
import type { LogEntry } from './kafka-based-log.ts'

/* A worker that starts reads what compaction has left of the config topic, while others have seen all of it. Both have to come to the same. */

const CONNECTORS = ['a', 'b-1', 'b']
const STATES = ['STARTED', 'PAUSED', 'STOPPED'] as const

/** What leaders write over time, some of whom end in the middle. */
function history(random: () => number, count: number): LogEntry[] {
  const below = (n: number): number => Math.floor(random() * n)
  const entries: LogEntry[] = []
  for (let i = 0; i < count; i++) {
    const connector = CONNECTORS[below(CONNECTORS.length)]!
    const way = random()
    if (way < 0.3) entries.push(connectorEntry(connector, { n: String(i) }))
    else if (way < 0.4) entries.push(connectorTombstone(connector), targetStateTombstone(connector))
    else if (way < 0.6) entries.push(targetStateEntry(connector, STATES[below(3)]!))
    else {
      const tasks = Array.from({ length: below(4) }, (_, task) => taskEntry({ connector, task }, { n: `${i}-${task}` }))
      const isWhole = random() < 0.8
      entries.push(...(isWhole ? [...tasks, commitEntry(connector, tasks.length)] : tasks.slice(0, below(tasks.length + 1))))
    }
  }
  return entries
}

/** What is left where the log up to `cleanedUpTo` was compacted: the last record of each key there, tombstones perhaps no longer. */
function compacted(entries: readonly LogEntry[], cleanedUpTo: number, areTombstonesGone: boolean): { readonly entry: LogEntry; readonly offset: number }[] {
  const last = new Map(entries.slice(0, cleanedUpTo).map(({ key }, offset) => [key, offset]))
  return entries
    .map((entry, offset) => ({ entry, offset }))
    .filter(({ entry, offset }) => offset >= cleanedUpTo || (last.get(entry.key) === offset && !(areTombstonesGone && entry.value === null)))
}

function stateOf(records: readonly { readonly entry: LogEntry; readonly offset: number }[]): ConfigTopicState {
  const state = new ConfigTopicState()
  for (const { entry, offset } of records)
    state.apply(configTopicRecord(String(entry.key), entry.value === null ? null : JSON.parse(String(entry.value)))!, offset + 1)
  return state
}

/**
 * Whether the configuration is newer than the tasks: where compaction has moved it behind their commit, they cannot be told from those of an earlier
 * connector of the name. They are made anew when the connector starts, as after every change of its configuration.
 */
function isReconfigured(entries: readonly LogEntry[], connector: string): boolean {
  const lastOf = (key: string): number => entries.findLastIndex((entry) => entry.key === key)
  return lastOf(`connector-${connector}`) > lastOf(`commit-${connector}`)
}

test('a worker that reads a compacted topic knows what the others know, or that tasks have to be made anew', () => {
  const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000)
  const random = randomBySeed(seed)
  let missing = 0
  for (let round = 0; round < 2000; round++) {
    const entries = history(random, 1 + Math.floor(random() * 25))
    const all = stateOf(entries.map((entry, offset) => ({ entry, offset }))).snapshot()
    const cleanedUpTo = Math.floor(random() * (entries.length + 1))
    const left = stateOf(compacted(entries, cleanedUpTo, random() < 0.5)).snapshot()
    const about = `MILLRACE_SEED=${seed} round ${round}: ${JSON.stringify(entries)} compacted up to ${cleanedUpTo}`
    assert.deepEqual([...left.connectors()].sort(), [...all.connectors()].sort(), about)
    for (const connector of all.connectors()) {
      assert.deepEqual(left.connectorConfig(connector), all.connectorConfig(connector), about)
      assert.equal(left.targetState(connector), all.targetState(connector), about)
      const tasks = left.tasks(connector).map((id) => left.taskConfig(id))
      const isMissing = left.inconsistentConnectors().includes(connector) || isReconfigured(entries, connector)
      missing += isMissing ? 1 : 0
      const expected = all.tasks(connector).map((id) => all.taskConfig(id))
      if (!isMissing || tasks.length > 0) assert.deepEqual(tasks, expected, about)
    }
  }
  assert.ok(missing > 0, 'compaction takes tasks away now and then')
})
