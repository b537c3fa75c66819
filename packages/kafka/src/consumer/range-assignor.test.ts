import assert from 'node:assert/strict'
import test from 'node:test'
import type { Subscriber } from './assignor.ts'
import { rangeAssignor } from './range-assignor.ts'

function member(
  memberId: string,
  topics: readonly string[],
  { instance = null, rack = null }: { instance?: string | null; rack?: string | null } = {},
): Subscriber {
  return { memberId, topics, groupInstanceId: instance, rackId: rack, ownedPartitions: [], generationId: -1, userData: null }
}

/** @param topics how many partitions, or the racks of each. */
function assigned(subscribers: readonly Subscriber[], topics: Record<string, number | string[][]>): Record<string, string[]> {
  const racks = Object.entries(topics).map(([topic, racks]) => [topic, typeof racks === 'number' ? Array<string[]>(racks).fill([]) : racks] as const)
  const assignment = rangeAssignor.assign(subscribers, new Map(racks))
  return Object.fromEntries(
    [...assignment].map(([memberId, topics]) => [memberId, topics.flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic}${partition}`))]),
  )
}

test('each topic is cut into ranges, the first members get one more', () => {
  assert.deepEqual(assigned([member('m2', ['a', 'b']), member('m1', ['a', 'b'])], { a: 3, b: 3 }), {
    m1: ['a0', 'a1', 'b0', 'b1'],
    m2: ['a2', 'b2'],
  })
})

test('only subscribers of a topic get its partitions, and members may get none', () => {
  assert.deepEqual(assigned([member('m1', ['a']), member('m2', ['a', 'b']), member('m3', ['a'])], { a: 2, b: 2 }), {
    m1: ['a0'],
    m2: ['a1', 'b0', 'b1'],
    m3: [],
  })
})

test('topics that do not exist are left out', () => {
  assert.deepEqual(assigned([member('m1', ['a', 'gone'])], { a: 1 }), { m1: ['a0'] })
})

test('static members come first, by their instance ids', () => {
  const members = [member('a', ['t']), member('z', ['t'], { instance: 'i1' }), member('y', ['t'], { instance: 'i2' })]
  assert.deepEqual(assigned(members, { t: 3 }), { z: ['t0'], y: ['t1'], a: ['t2'] })
})

test('members get partitions with a replica in their rack, as long as all get equally many', () => {
  const members = [member('m1', ['t'], { rack: 'north' }), member('m2', ['t'], { rack: 'south' })]
  assert.deepEqual(assigned(members, { t: [['south'], ['north'], ['south'], ['north']] }), { m1: ['t1', 't3'], m2: ['t0', 't2'] })
  assert.deepEqual(assigned(members, { t: [['north'], ['north'], ['north'], ['north']] }), { m1: ['t0', 't1'], m2: ['t2', 't3'] })
})
