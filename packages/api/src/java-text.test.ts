import assert from 'node:assert/strict'
import { test } from 'node:test'
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
