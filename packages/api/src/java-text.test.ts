import assert from 'node:assert/strict'
import { test } from 'node:test'
import { javaDouble } from './java-number.ts'
import { JavaText } from './java-text.ts'

const made = (...pieces: string[]): string => {
  const text = new JavaText()
  for (const piece of pieces) text.put(piece)
  return text.take()
}

test('pieces come out in their order, whatever their characters and lengths', () => {
  const pieces = ['a', '', 'é', 'x'.repeat(129), 'ÿ', '€', '\u{1f600}', 'b', 'y'.repeat(128), 'half \ud800', 'end']
  assert.equal(made(...pieces), pieces.join(''))
})

test('a text may be longer than the buffer', () => {
  const pieces = Array.from({ length: 10_000 }, (_, index) => `${index},`)
  assert.equal(made(...pieces), pieces.join(''))
})

test('taking a text begins anew', () => {
  const text = new JavaText()
  text.put('€')
  text.put('one')
  assert.equal(text.take(), '€one')
  text.put('two')
  assert.equal(text.take(), 'two')
  assert.equal(text.take(), '')
})

test('numbers come out as alone, whatever their size', () => {
  const integers = [0, -0, 1, -1, 9, 10, 99, 100, 12345, 999_999_999, 1e9, 1_000_000_001, 2 ** 31, 123456789012, Number.MAX_SAFE_INTEGER]
  const doubles = [0.5, 1.25, -1.05, 99.99, 0.001, 0.0015, 0.0005, 1e-9, 100, 9999999.999, 9999999, 1e7, 12345.678, 0.1 + 0.2, 1.0049999999999999, 1e21, 5e-324]
  for (const integer of integers) {
    const text = new JavaText()
    text.putInteger(integer)
    text.putInteger(-integer)
    assert.equal(text.take(), String(integer) + String(-integer))
  }
  for (const double of doubles) {
    const text = new JavaText()
    text.putDouble(double)
    text.putDouble(-double)
    assert.equal(text.take(), javaDouble(double) + javaDouble(-double))
  }
})

test('numbers with few digits are the shortest that give the value', () => {
  const text = new JavaText()
  for (let index = -20_000; index < 20_000; index++) {
    const double = index * 0.001 + index * 1.37
    text.putDouble(double)
    assert.equal(text.take(), javaDouble(double))
    text.putDouble(index / 1000)
    assert.equal(text.take(), javaDouble(index / 1000))
  }
})

test('numbers at the end of the buffer are whole', () => {
  const pieces = Array.from({ length: 3000 }, (_, index) => index * 1e9 + 1)
  const text = new JavaText()
  for (const piece of pieces) {
    text.putInteger(piece)
    text.putDouble(piece % 7 === 0 ? 0.5 : 0.125)
  }
  assert.equal(text.take(), pieces.map((piece) => `${piece}${piece % 7 === 0 ? 0.5 : 0.125}`).join(''))
})
