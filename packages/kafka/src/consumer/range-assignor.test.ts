import assert from 'node:assert/strict'
import test from 'node:test'
import { rangeAssignment, type Subscriber } from './range-assignor.ts'

function member(memberId: string, topics: readonly string[], groupInstanceId: string | null = null): Subscriber {
  return { memberId, topics, groupInstanceId }
}

function assigned(subscribers: readonly Subscriber[], counts: Record<string, number>): Record<string, string[]> {
  const assignment = rangeAssignment(subscribers, new Map(Object.entries(counts)))
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
  assert.deepEqual(assigned([member('a', ['t']), member('z', ['t'], 'i1'), member('y', ['t'], 'i2')], { t: 3 }), { z: ['t0'], y: ['t1'], a: ['t2'] })
})
