import assert from 'node:assert/strict'
import test from 'node:test'
import { DeliveredRecords } from './delivered-records.ts'
import { OffsetSpan } from './offset-span.ts'

function span(...offsets: number[]): OffsetSpan {
  const made = new OffsetSpan(offsets[0]!)
  for (const offset of offsets.slice(1)) made.add(offset)
  return made
}

test('tells how many records a commit covers, also in the middle of a batch', () => {
  const delivered = new DeliveredRecords()
  delivered.add(span(0, 1, 2))
  delivered.add(span(3, 4))
  assert.equal(delivered.cover(4), 4)
  assert.equal(delivered.count, 1)
  assert.equal(delivered.cover(5), 1)
  assert.equal(delivered.count, 0)
})

test('counts records, not offsets, where there are gaps', () => {
  const delivered = new DeliveredRecords()
  delivered.add(span(10, 20, 30))
  delivered.add(span(31, 40))
  assert.equal(delivered.count, 5)
  assert.equal(delivered.cover(25), 2)
  assert.equal(delivered.cover(31), 1)
  assert.equal(delivered.giveBackFrom(40), 1)
  assert.equal(delivered.count, 1)
})

test('gives back what comes after a rewind', () => {
  const delivered = new DeliveredRecords()
  delivered.add(span(0, 1, 2, 3))
  assert.equal(delivered.giveBackFrom(2), 2)
  assert.equal(delivered.count, 2)
  assert.equal(delivered.cover(100), 2)
})

test('keeps two numbers for records without gaps, however many', () => {
  const delivered = new DeliveredRecords()
  for (let offset = 0; offset < 1_000; offset += 10) delivered.add(span(...Array.from({ length: 10 }, (_, index) => offset + index)))
  assert.equal(delivered.count, 1_000)
  assert.equal(delivered.size, 2)
})

test('leaves out records that were filtered', () => {
  const offsets = span(0, 1, 2)
  offsets.removeLast()
  offsets.add(3)
  offsets.removeLast()
  offsets.add(4)
  assert.deepEqual([offsets.first, offsets.last, offsets.count], [0, 4, 3])
  const all = span(0)
  all.removeLast()
  assert.equal(all.count, 0)
  all.add(7)
  assert.deepEqual([all.first, all.last, all.count], [7, 7, 1])
})
