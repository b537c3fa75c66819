import assert from 'node:assert/strict'
import { test } from 'node:test'
import { murmur2, toPositive } from './murmur2.ts'

test('hashes equal those of the Java client', () => {
  const hashes: readonly (readonly [string, number])[] = [
    ['', 275646681],
    ['a', -1563381124],
    ['ab', 316155434],
    ['abc', 479470107],
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['žluťoučký kůň', 874861404],
  ]
  for (const [key, hash] of hashes) assert.equal(murmur2(Buffer.from(key)), hash, key)
})

test('a negative hash loses its sign bit', () => {
  assert.equal(toPositive(-973932308), 1173551340)
  assert.equal(toPositive(-2147483648), 0)
  assert.equal(toPositive(5), 5)
})
