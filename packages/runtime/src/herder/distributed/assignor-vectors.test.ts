import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { assignEagerly, type ConfiguredConnector } from './eager-assignor.ts'
import { assignIncrementally, initialAssignorState } from './incremental-cooperative-assignor.ts'
import type { Workload } from './worker-group.ts'

/*
 * What Kafka Connect's own assignors make of random groups, stored by `tests/tools/java/WorkAssignorVectors.java`. Connectors are single letters from p on with
 * their number of tasks (`p3`), members letters from a on. Work is written `connectors/tasks`: `pq/p0p1q0`.
 *
 *   scenario DELAY-MAX                                               a new leader
 *   NOW COMPLETED GENERATION CONFIGURED MEMBER=WORK;… DELAY MEMBER+ADDED-REVOKED;…   a round of it
 *   eager CONFIGURED MEMBER=WORK;…                                   a round of the eager assignor
 */
const lines = readFileSync(join(import.meta.dirname, '../../../../../tests/vectors/work-assignors.txt'), 'utf8')
  .trimEnd()
  .split('\n')

function configuredOf(text: string): ConfiguredConnector[] {
  if (text === '-') return []
  return text.split(',').map((part) => {
    const name = part[0]!
    return { name, tasks: Array.from({ length: Number(part.slice(1)) }, (_, task) => ({ connector: name, task })) }
  })
}

function workOf(text: string): Workload {
  const [connectors = '', tasks = ''] = text.split('/')
  return {
    connectors: [...connectors],
    tasks: [...tasks.matchAll(/([a-z])(\d+)/g)].map(([, connector, task]) => ({ connector: connector!, task: Number(task) })),
  }
}

function sortedTextOf({ connectors, tasks }: Workload): string {
  const sorted = [...tasks].sort((a, b) => (a.connector === b.connector ? a.task - b.task : a.connector < b.connector ? -1 : 1))
  return `${[...connectors].sort().join('')}/${sorted.map(({ connector, task }) => connector + task).join('')}`
}

test('the incremental cooperative assignor gives what the original gives', () => {
  let state = initialAssignorState
  let delayMaxMs = 0
  let rounds = 0
  for (const [i, line] of lines.entries()) {
    const words = line.split(' ')
    if (words[0] === 'eager') continue
    if (words[0] === 'scenario') {
      state = initialAssignorState
      delayMaxMs = Number(words[1])
      continue
    }
    const [now, generationCompleted, generation, configured, members, ...expected] = words as [string, string, string, string, string, ...string[]]
    const result = assignIncrementally(state, {
      now: Number(now),
      generationCompleted: Number(generationCompleted),
      generation: Number(generation),
      configured: configuredOf(configured),
      members: new Map(members.split(';').map((member) => [member[0]!, workOf(member.slice(2))])),
      delayMaxMs,
    })
    const shares = [...result.shares].sort(([a], [b]) => (a < b ? -1 : 1))
    const given = shares.map(([id, { added, revoked }]) => `${id}+${sortedTextOf(added)}-${sortedTextOf(revoked)}`).join(';')
    assert.deepEqual([String(result.delayMs), given], expected, `line ${i + 1}: ${line}`)
    state = result.state
    rounds++
  }
  assert.ok(rounds > 1000, `${rounds} rounds`)
})

test('the eager assignor gives what the original gives', () => {
  const rounds = lines.filter((line) => line.startsWith('eager '))
  for (const line of rounds) {
    const [, configured, expected] = line.split(' ') as [string, string, string]
    const members = expected.split(';').map((member) => member[0]!)
    const shares = assignEagerly(members.toReversed(), configuredOf(configured))
    // The stored order is that of the wire, which keeps the tasks of a connector together.
    const inOrder = expected.split(';').map((member) => `${member[0]}=${sortedTextOf(workOf(member.slice(2)))}`)
    assert.deepEqual(
      [...shares].map(([id, work]) => `${id}=${sortedTextOf(work)}`),
      inOrder,
    )
  }
  assert.ok(rounds.length > 50, `${rounds.length} rounds`)
})
