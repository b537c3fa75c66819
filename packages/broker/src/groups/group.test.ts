import assert from 'node:assert/strict'
import { beforeEach, mock, test } from 'node:test'
import { ErrorCode } from '@millrace/kafka-protocol'
import { recordingLogger } from '../fixtures/recording-logger.ts'
import { Group, type GroupOptions, type GroupSnapshot, type JoinRequest } from './group.ts'
import type { JoinResult } from './group-member.ts'

const SESSION_MS = 10_000
const REBALANCE_MS = 60_000

beforeEach((t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  ;(t as { after(clean: () => void): void }).after(() => mock.timers.reset())
})

function newGroup(options: Partial<GroupOptions> = {}) {
  const stored: GroupSnapshot[] = []
  const group = new Group({
    groupId: 'g',
    initialRebalanceDelayMs: 0,
    sizeMax: 10,
    clock: () => 0,
    logger: recordingLogger(),
    persist: (snapshot) => stored.push(snapshot),
    ...options,
  })
  return { group, stored }
}

function joinRequest(memberId: string, rest: Partial<JoinRequest> = {}): JoinRequest {
  return {
    memberId,
    groupInstanceId: null,
    clientId: 'client',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: SESSION_MS,
    rebalanceTimeoutMs: REBALANCE_MS,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('topics') }],
    reason: null,
    isMemberIdRequired: false,
    canSkipAssignment: true,
    ...rest,
  }
}

const identity = ({ memberId, generationId }: JoinResult, groupInstanceId: string | null = null) => ({ memberId, generationId, groupInstanceId })

function sync(group: Group, joined: JoinResult, assignments: Readonly<Record<string, string>> = {}, groupInstanceId: string | null = null) {
  return group.sync({
    ...identity(joined, groupInstanceId),
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: Object.entries(assignments).map(([memberId, assignment]) => ({ memberId, assignment: Buffer.from(assignment) })),
  })
}

/** Whether a promise is still open after all that is due has run. */
async function isWaiting(promise: unknown): Promise<boolean> {
  const open = Symbol('open')
  return (await Promise.race([promise, new Promise((resolve) => setImmediate(() => resolve(open)))])) === open
}

/** Two members in a stable group; the first one leads. */
async function stableGroup(options: Partial<GroupOptions> = {}) {
  const { group, stored } = newGroup(options)
  const alone = await group.join(joinRequest(''))
  const other = group.join(joinRequest(''))
  const leader = await group.join(joinRequest(alone.memberId))
  const follower = await other
  const waiting = sync(group, follower)
  await sync(group, leader, { [leader.memberId]: 'A', [follower.memberId]: 'B' })
  await waiting
  assert.equal(group.state, 'Stable')
  return { group, stored, leader, follower }
}

test('lets a first member lead alone, and stores what it assigns', async () => {
  const { group, stored } = newGroup()
  const joined = await group.join(joinRequest(''))
  assert.equal(joined.errorCode, 0)
  assert.equal(joined.generationId, 1)
  assert.equal(joined.leader, joined.memberId)
  assert.deepEqual(
    joined.members.map(({ metadata }) => String(metadata)),
    ['topics'],
  )
  const { assignment } = await sync(group, joined, { [joined.memberId]: 'mine' })
  assert.equal(String(assignment), 'mine')
  assert.equal(group.heartbeat(identity(joined)), 0)
  assert.equal(stored.at(-1)!.members.length, 1)
})

test('sends a new member away with an id first where the version asks for it', async () => {
  const { group } = newGroup()
  const first = await group.join(joinRequest('', { isMemberIdRequired: true }))
  assert.equal(first.errorCode, ErrorCode.MEMBER_ID_REQUIRED)
  assert.match(first.memberId, /^client-/)
  const joined = await group.join(joinRequest(first.memberId, { isMemberIdRequired: true }))
  assert.equal(joined.errorCode, 0)
  assert.equal(joined.memberId, first.memberId)
})

test('forgets an id that nobody comes back with', async () => {
  const { group } = newGroup()
  const { memberId } = await group.join(joinRequest('', { isMemberIdRequired: true }))
  assert.equal(group.isUnused, false)
  mock.timers.tick(SESSION_MS)
  assert.equal(group.isUnused, true)
  assert.equal((await group.join(joinRequest(memberId))).errorCode, ErrorCode.UNKNOWN_MEMBER_ID)
})

test('holds members back until all have joined, and gives only the leader the list', async () => {
  const { group, leader, follower } = await stableGroup()
  assert.equal(leader.generationId, 2)
  assert.equal(leader.members.length, 2)
  assert.equal(follower.members.length, 0)
  assert.equal(follower.leader, leader.memberId)
  const third = group.join(joinRequest(''))
  assert.equal(group.state, 'PreparingRebalance')
  assert.equal(group.heartbeat(identity(leader)), ErrorCode.REBALANCE_IN_PROGRESS)
  const again = group.join(joinRequest(leader.memberId))
  assert.ok(await isWaiting(again))
  const last = await group.join(joinRequest(follower.memberId))
  assert.equal((await again).generationId, 3)
  assert.equal((await third).generationId, 3)
  assert.equal(last.generationId, 3)
})

test('gives every member its own assignment, and followers wait for the leader', async () => {
  const { group } = newGroup()
  const alone = await group.join(joinRequest(''))
  const other = group.join(joinRequest(''))
  const leader = await group.join(joinRequest(alone.memberId))
  const follower = await other
  const waiting = sync(group, follower)
  assert.ok(await isWaiting(waiting))
  const mine = await sync(group, leader, { [leader.memberId]: 'A', [follower.memberId]: 'B' })
  assert.equal(String(mine.assignment), 'A')
  assert.equal(String((await waiting).assignment), 'B')
  // Asking again gives the same.
  assert.equal(String((await sync(group, follower)).assignment), 'B')
})

test('tells members that wait for their assignment to join again when the membership changes', async () => {
  const { group } = newGroup()
  const alone = await group.join(joinRequest(''))
  const other = group.join(joinRequest(''))
  await group.join(joinRequest(alone.memberId))
  const waiting = sync(group, await other)
  void group.join(joinRequest(''))
  assert.equal((await waiting).errorCode, ErrorCode.REBALANCE_IN_PROGRESS)
})

test('removes members that do not join again within the rebalance time-out', async () => {
  const { group, leader, follower } = await stableGroup()
  const again = group.join(joinRequest(leader.memberId))
  for (let ms = 0; ms < REBALANCE_MS; ms += SESSION_MS / 2) {
    group.heartbeat(identity(follower))
    mock.timers.tick(SESSION_MS / 2)
  }
  const joined = await again
  assert.deepEqual(
    joined.members.map(({ memberId }) => memberId),
    [leader.memberId],
  )
  assert.equal(group.heartbeat(identity(follower)), ErrorCode.UNKNOWN_MEMBER_ID)
})

test('removes a member that is not heard of, and elects another leader', async () => {
  const { group, leader, follower } = await stableGroup()
  mock.timers.tick(SESSION_MS / 2)
  assert.equal(group.heartbeat(identity(follower)), 0)
  mock.timers.tick(SESSION_MS / 2)
  assert.equal(group.state, 'PreparingRebalance')
  assert.equal(group.heartbeat(identity(leader)), ErrorCode.UNKNOWN_MEMBER_ID)
  const joined = await group.join(joinRequest(follower.memberId))
  assert.equal(joined.leader, follower.memberId)
})

test('removes members that joined and never ask for their assignment', async () => {
  const { group, stored } = newGroup()
  const joined = await group.join(joinRequest('', { sessionTimeoutMs: 2 * REBALANCE_MS }))
  mock.timers.tick(REBALANCE_MS)
  assert.equal(group.state, 'Empty')
  assert.equal(group.heartbeat(identity(joined)), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.deepEqual(stored.at(-1)!.members, [])
})

test('does not expire a member while its join waits', async () => {
  const { group, leader, follower } = await stableGroup()
  const again = group.join(joinRequest(leader.memberId))
  mock.timers.tick(SESSION_MS - 1)
  group.heartbeat(identity(follower))
  mock.timers.tick(SESSION_MS - 1)
  assert.ok(await isWaiting(again))
  assert.equal((await group.join(joinRequest(follower.memberId))).errorCode, 0)
  assert.equal((await again).errorCode, 0)
})

test('becomes empty when the last member leaves, and lets nobody act for it then', async () => {
  const { group, leader, follower, stored } = await stableGroup()
  assert.equal(group.leave({ ...identity(follower), reason: null }), 0)
  assert.equal(group.leave({ ...identity(leader), reason: null }), 0)
  assert.equal(group.state, 'Empty')
  assert.equal(group.generationId, 3)
  assert.equal(stored.at(-1)!.members.length, 0)
  assert.equal(group.leave({ ...identity(leader), reason: null }), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(group.commitError(identity(leader)), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(group.commitError({ memberId: '', groupInstanceId: null, generationId: -1 }), 0)
})

test('takes commits of the present generation only, and none between join and assignment', async () => {
  const { group, leader, follower } = await stableGroup()
  assert.equal(group.commitError(identity(leader)), 0)
  assert.equal(group.commitError({ ...identity(leader), generationId: 1 }), ErrorCode.ILLEGAL_GENERATION)
  assert.equal(group.commitError({ ...identity(leader), memberId: 'x' }), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(group.commitError({ memberId: '', groupInstanceId: null, generationId: -1 }), ErrorCode.UNKNOWN_MEMBER_ID)
  const again = group.join(joinRequest(leader.memberId))
  // Before it joins again, the follower commits what it is about to give up.
  assert.equal(group.commitError(identity(follower)), 0)
  const joined = await group.join(joinRequest(follower.memberId))
  await again
  assert.equal(group.commitError(identity(joined)), ErrorCode.REBALANCE_IN_PROGRESS)
})

test('refuses members that share no protocol with the others', async () => {
  const { group } = await stableGroup()
  const other = joinRequest('', { protocols: [{ name: 'sticky', metadata: Buffer.alloc(0) }] })
  assert.equal((await group.join(other)).errorCode, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  assert.equal((await group.join(joinRequest('', { protocolType: 'connect' }))).errorCode, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  assert.equal((await group.join(joinRequest('', { protocols: [] }))).errorCode, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  assert.equal(group.state, 'Stable')
})

test('chooses the protocol that most members prefer among those that all know', async () => {
  const { group } = newGroup()
  const protocols = (...names: string[]) => names.map((name) => ({ name, metadata: Buffer.from(name) }))
  const first = await group.join(joinRequest('', { protocols: protocols('a', 'b', 'c') }))
  const second = group.join(joinRequest('', { protocols: protocols('c', 'b') }))
  const third = group.join(joinRequest('', { protocols: protocols('x', 'b', 'c') }))
  const joined = await group.join(joinRequest(first.memberId, { protocols: protocols('a', 'b', 'c') }))
  assert.equal(joined.protocolName, 'b')
  assert.deepEqual(
    joined.members.map(({ metadata }) => String(metadata)),
    ['b', 'b', 'b'],
  )
  await second
  await third
})

test('answers a follower that joins again unchanged from the present generation, but rebalances for the leader', async () => {
  const { group, leader, follower } = await stableGroup()
  assert.equal((await group.join(joinRequest(follower.memberId))).generationId, 2)
  assert.equal(group.state, 'Stable')
  void group.join(joinRequest(leader.memberId))
  assert.equal(group.state, 'PreparingRebalance')
})

test('gives a static member that comes back its assignment without a rebalance, and fences its former self', async () => {
  const { group } = newGroup()
  const joined = await group.join(joinRequest('', { groupInstanceId: 'one' }))
  await sync(group, joined, { [joined.memberId]: 'mine' }, 'one')
  const back = await group.join(joinRequest('', { groupInstanceId: 'one' }))
  assert.notEqual(back.memberId, joined.memberId)
  assert.equal(back.generationId, joined.generationId)
  assert.equal(back.skipAssignment, true)
  assert.equal(String((await sync(group, back, {}, 'one')).assignment), 'mine')
  assert.equal(group.heartbeat(identity(joined, 'one')), ErrorCode.FENCED_INSTANCE_ID)
  assert.equal(group.commitError(identity(joined, 'one')), ErrorCode.FENCED_INSTANCE_ID)
  assert.equal(group.leave({ memberId: joined.memberId, groupInstanceId: 'one', reason: null }), ErrorCode.UNKNOWN_MEMBER_ID)
  assert.equal(group.leave({ memberId: '', groupInstanceId: 'one', reason: null }), 0)
  assert.equal(group.state, 'Empty')
})

test('waits for further members at the beginning, as long as new ones come', async () => {
  const { group } = newGroup({ initialRebalanceDelayMs: 3000 })
  const first = group.join(joinRequest(''))
  mock.timers.tick(2999)
  const second = group.join(joinRequest(''))
  mock.timers.tick(1)
  assert.ok(await isWaiting(first))
  mock.timers.tick(3000)
  assert.equal((await first).generationId, 1)
  assert.equal((await first).members.length + (await second).members.length, 2)
})

test('has no room for more members than allowed', async () => {
  const { group } = await stableGroup({ sizeMax: 2 })
  assert.equal((await group.join(joinRequest(''))).errorCode, ErrorCode.GROUP_MAX_SIZE_REACHED)
  assert.equal(group.state, 'Stable')
})

test('rebalances again when the assignments cannot be stored', async () => {
  let isFull = false
  const { group, leader, follower } = await stableGroup({
    persist: () => {
      if (isFull) throw new Error('ENOSPC')
    },
  })
  const again = group.join(joinRequest(leader.memberId))
  await group.join(joinRequest(follower.memberId))
  isFull = true
  assert.equal((await sync(group, await again, {})).errorCode, ErrorCode.NOT_COORDINATOR)
  assert.equal(group.state, 'PreparingRebalance')
})

test('is restored as it was stored, and its members live on', async () => {
  const { stored, leader, follower } = await stableGroup()
  const options = { groupId: 'g', initialRebalanceDelayMs: 0, sizeMax: 10, clock: () => 0, logger: recordingLogger(), persist: () => {} }
  const restored = Group.restore(JSON.parse(JSON.stringify(stored.at(-1)!)) as GroupSnapshot, options)
  restored.beginSessions()
  assert.equal(restored.state, 'Stable')
  assert.equal(restored.heartbeat(identity(leader)), 0)
  assert.equal(String((await sync(restored, follower)).assignment), 'B')
  mock.timers.tick(SESSION_MS)
  assert.equal(restored.state, 'Empty')
})
