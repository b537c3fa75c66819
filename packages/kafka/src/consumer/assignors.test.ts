import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { assignorByClass, type AssignorName, assignors } from './assignors.ts'
import type { Subscriber } from './range-assignor.ts'

/** Made by the Java client: `testdata/assignors/make-vectors.sh`. */
interface Vector {
  readonly partitionCounts: Readonly<Record<string, number>>
  readonly members: readonly Subscriber[]
  readonly range: Readonly<Record<string, readonly string[]>>
  readonly roundrobin: Readonly<Record<string, readonly string[]>>
}

const file = join(import.meta.dirname, '..', '..', 'testdata', 'assignors', 'vectors.json')
const vectors: readonly Vector[] = JSON.parse(readFileSync(file, 'utf8'))

for (const name of Object.keys(assignors) as AssignorName[]) {
  test(`${name} shares out as the Java client does, in ${vectors.length} groups`, () => {
    for (const [index, vector] of vectors.entries()) {
      const shared = assignors[name](vector.members, new Map(Object.entries(vector.partitionCounts)))
      const named = [...shared].map(([memberId, topics]) => {
        return [memberId, topics.flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic}-${partition}`))]
      })
      assert.deepEqual(Object.fromEntries(named), vector[name], `group ${index}`)
    }
  })
}

test('assignors are found by the names of their Java classes', () => {
  assert.equal(assignorByClass('org.apache.kafka.clients.consumer.RoundRobinAssignor'), 'roundrobin')
  assert.equal(assignorByClass('RangeAssignor'), 'range')
  assert.equal(assignorByClass('org.apache.kafka.clients.consumer.StickyAssignor'), null)
  assert.equal(assignorByClass('toString'), null)
})
