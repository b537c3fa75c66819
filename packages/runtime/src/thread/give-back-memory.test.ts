import assert from 'node:assert/strict'
import test from 'node:test'
import { getHeapSpaceStatistics } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { giveBackMemory } from './give-back-memory.ts'

test('the young generation shrinks to next to nothing, and nobody else is given the collector', () => {
  for (let i = 0; i < 200; i++) Array.from({ length: 20_000 }, (_, index) => ({ index }))
  const young = (): number => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.physical_space_size ?? Number.NaN
  const before = young()
  giveBackMemory()
  assert.ok(young() < before / 2, `${before} → ${young()} bytes`)
  assert.equal(runInNewContext('typeof globalThis.gc'), 'undefined')
})
