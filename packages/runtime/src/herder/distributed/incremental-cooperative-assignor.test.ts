import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ConfiguredConnector } from './eager-assignor.ts'
import { type AssignorResult, assignIncrementally, initialAssignorState, taskKey, taskOfKey } from './incremental-cooperative-assignor.ts'
import type { Workload } from './worker-group.ts'

const seed = process.env.MILLRACE_SEED === undefined ? undefined : Number(process.env.MILLRACE_SEED)
const DELAY_MAX_MS = 300_000
const noWork: Workload = { connectors: [], tasks: [] }

/** A group whose members do what they are told. */
class Group {
  readonly members = new Map<string, Workload>()
  readonly connectors = new Map<string, number>()
  readonly delayMaxMs: number
  now = 1000
  #state = initialAssignorState
  #generation = 0
  #named = 0

  constructor(delayMaxMs: number) {
    this.delayMaxMs = delayMaxMs
  }

  add(): void {
    this.members.set(`member-${String(this.#named++).padStart(3, '0')}`, noWork)
  }

  configured(): ConfiguredConnector[] {
    return [...this.connectors].map(([name, count]) => ({ name, tasks: Array.from({ length: count }, (_, task) => ({ connector: name, task })) }))
  }

  round(): AssignorResult {
    const { members, now, delayMaxMs } = this
    const result = assignIncrementally(this.#state, {
      configured: this.configured(),
      members,
      generationCompleted: this.#generation === 0 ? -1 : this.#generation,
      generation: ++this.#generation,
      now,
      delayMaxMs,
    })
    this.#state = result.state
    for (const [memberId, { all }] of result.shares) members.set(memberId, all)
    return result
  }

  /** Rounds as the group would have them by itself, until nothing moves and nothing waits. Returns what was revoked. */
  settle(): number {
    let revoked = 0
    for (let round = 0; round < 40; round++) {
      const result = this.round()
      const moves = [...result.shares.values()].map(({ added, revoked }) => ({ added: sizeOf(added), revoked: sizeOf(revoked) }))
      revoked += moves.reduce((sum, move) => sum + move.revoked, 0)
      if (result.delayMs > 0) this.now += result.delayMs
      else if (moves.every((move) => move.added + move.revoked === 0)) return revoked
    }
    throw new Error('the group does not settle in 40 rounds')
  }

  pieces(): string[] {
    return [...this.members.values()].flatMap(piecesOf)
  }

  assertShared(): void {
    const wanted = piecesOf({ connectors: [...this.connectors.keys()], tasks: this.configured().flatMap(({ tasks }) => tasks) })
    assert.deepEqual(this.pieces().sort(), wanted.sort())
    for (const kind of ['connectors', 'tasks'] as const) {
      const loads = [...this.members.values()].map((work) => work[kind].length)
      assert.ok(Math.max(...loads) - Math.min(...loads) <= 1, `${kind}: ${loads}`)
    }
  }
}

function sizeOf({ connectors, tasks }: Workload): number {
  return connectors.length + tasks.length
}

function piecesOf({ connectors, tasks }: Workload): string[] {
  return [...connectors.map((connector) => `connector ${connector}`), ...tasks.map((id) => `task ${taskKey(id)}`)]
}

type Event =
  | { readonly kind: 'join' | 'wait' | 'round' }
  | { readonly kind: 'leave' | 'restart' | 'forget'; readonly member: number }
  | { readonly kind: 'put'; readonly connector: number; readonly tasks: number }
  | { readonly kind: 'delete'; readonly connector: number }

const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('join' as const, 'wait' as const, 'round' as const) }),
    fc.record({ kind: fc.constantFrom('leave' as const, 'restart' as const, 'forget' as const), member: fc.nat(5) }),
    fc.record({ kind: fc.constant('put' as const), connector: fc.nat(9), tasks: fc.nat(7) }),
    fc.record({ kind: fc.constant('delete' as const), connector: fc.nat(9) }),
  ),
  { maxLength: 30 },
)

function happen(group: Group, event: Event): void {
  const ids = [...group.members.keys()]
  switch (event.kind) {
    case 'join':
      return group.add()
    case 'wait':
      group.now += 20_000
      return
    case 'round':
      return
    case 'leave':
      if (ids.length > 1) group.members.delete(ids[event.member % ids.length]!)
      return
    case 'restart':
      group.members.delete(ids[event.member % ids.length]!)
      return group.add()
    case 'forget':
      group.members.set(ids[event.member % ids.length]!, noWork)
      return
    case 'put':
      group.connectors.set(`c${event.connector}`, event.tasks)
      return
    case 'delete':
      group.connectors.delete(`c${event.connector}`)
  }
}

test('whatever happens, nothing is given to two members, and what settles is complete and balanced', () => {
  const property = fc.property(events, fc.constantFrom(DELAY_MAX_MS, 1000, 0), (list, delayMaxMs) => {
    const group = new Group(delayMaxMs)
    group.add()
    for (const event of list) {
      happen(group, event)
      group.round()
      const pieces = group.pieces()
      assert.equal(new Set(pieces).size, pieces.length, `given twice: ${pieces}`)
    }
    group.settle()
    group.assertShared()
  })
  fc.assert(property, { numRuns: 500, seed })
})

test('a new member costs no more revocations than it gets, and a changed configuration none at all beyond what balance asks for', () => {
  const property = fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.nat(8), { minLength: 1, maxLength: 12 }), (members, connectors) => {
    const group = new Group(DELAY_MAX_MS)
    for (let i = 0; i < members; i++) group.add()
    for (const [i, tasks] of connectors.entries()) group.connectors.set(`c${i}`, tasks)
    assert.equal(group.settle(), 0, 'the first assignment revokes nothing')

    group.add()
    const revoked = group.settle()
    group.assertShared()
    assert.ok(revoked <= sizeOf([...group.members.values()].at(-1)!), `${revoked} revoked`)

    group.connectors.set('new', 3)
    assert.equal(group.settle(), 0, 'a new connector revokes nothing')
    group.assertShared()
  })
  fc.assert(property, { numRuns: 300, seed })
})

test('the work of a member that is gone waits for it, and goes to the one that comes in its place', () => {
  const group = new Group(DELAY_MAX_MS)
  for (let i = 0; i < 3; i++) group.add()
  for (let i = 0; i < 6; i++) group.connectors.set(`c${i}`, 2)
  group.settle()
  const [first, second] = [...group.members.keys()]
  const before = group.members.get(second!)!
  group.members.delete(first!)
  assert.equal(group.round().delayMs, DELAY_MAX_MS)
  group.now += 1000
  group.add()
  assert.equal(group.round().delayMs, DELAY_MAX_MS - 1000)
  assert.deepEqual(sizeOf([...group.members.values()].at(-1)!), 0)
  group.now += DELAY_MAX_MS
  assert.equal(group.round().delayMs, 0)
  assert.deepEqual([...group.members.values()].map(sizeOf), [6, 6, 6])
  assert.deepEqual(group.members.get(second!), before)
})

test('names of tasks are unambiguous', () => {
  for (const id of [
    { connector: 'a-1', task: 0 },
    { connector: 'a', task: 10 },
    { connector: '', task: 3 },
    { connector: 'ü -', task: 7 },
  ])
    assert.deepEqual(taskOfKey(taskKey(id)), id)
})
