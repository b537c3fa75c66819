import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBySeed } from '@millrace/testing'
import { LineReader } from './line-reader.ts'

interface Line {
  readonly text: string
  readonly position: number
}

function linesOf(bytes: Buffer, chunkSizes: () => number): Line[] {
  const reader = new LineReader(0)
  const lines: Line[] = []
  for (let at = 0; at < bytes.length; ) {
    const chunk = bytes.subarray(at, at + chunkSizes())
    at += chunk.length
    reader.feed(Buffer.from(chunk))
    for (let text = reader.next(); text !== null; text = reader.next()) lines.push({ text, position: reader.position })
  }
  return lines
}

/** The original's rule, character by character: a `\r` at the very end waits for what follows. */
function expectedLines(bytes: Buffer): Line[] {
  const lines: Line[] = []
  let start = 0
  for (let at = 0; at < bytes.length; at++) {
    const isCr = bytes[at] === 0x0d
    if (bytes[at] !== 0x0a && !isCr) continue
    if (isCr && at + 1 === bytes.length) break
    const text = bytes.toString('utf8', start, at)
    if (isCr && bytes[at + 1] === 0x0a) at++
    start = at + 1
    lines.push({ text, position: start })
  }
  return lines
}

test('cuts lines at \\n, \\r\\n and \\r and holds what has no end yet', () => {
  const lines = linesOf(Buffer.from('a\nbb\r\nccc\rd\n\n\r\r\nrest'), () => 100)
  assert.deepEqual(
    lines.map((line) => line.text),
    ['a', 'bb', 'ccc', 'd', '', '', ''],
  )
  assert.equal(lines.at(-1)?.position, 16)
})

test('holds a \\r at the end until the next byte is known', () => {
  const reader = new LineReader(10)
  reader.feed(Buffer.from('ab\r'))
  assert.equal(reader.next(), null)
  reader.feed(Buffer.from('\n'))
  assert.equal(reader.next(), 'ab')
  assert.equal(reader.position, 14)
  assert.equal(reader.next(), null)
})

test('puts characters together again that are cut by the border of a chunk, and replaces invalid bytes', () => {
  const bytes = Buffer.concat([Buffer.from('Zürich 😀\n'), Buffer.from([0x61, 0xff, 0x62, 0x0a])])
  for (let size = 1; size < bytes.length; size++) {
    assert.deepEqual(
      linesOf(bytes, () => size).map((line) => line.text),
      ['Zürich 😀', 'a\ufffdb'],
    )
  }
})

test('gives the rest of a stream that breaks off, and goes on at the position of the new one', () => {
  const reader = new LineReader(0)
  reader.feed(Buffer.from('one\ntwo'))
  assert.equal(reader.next(), 'one')
  assert.equal(reader.next(), null)
  assert.equal(reader.takeRest(0), 'two')
  reader.feed(Buffer.from('three\n'))
  assert.equal(reader.next(), 'three')
  assert.equal(reader.position, 6)
  assert.equal(reader.next(), null)
  assert.equal(reader.takeRest(0), null)
})

test('finds the same lines however the stream is cut into chunks', () => {
  const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const random = randomBySeed(seed)
  const pieces = ['a', 'bc', '\n', '\r', '\r\n', 'ü', '😀', 'plain text', '\n\n']
  for (let round = 0; round < 2000; round++) {
    const isAscii = random() < 0.5
    const count = Math.floor(random() * 30)
    const text = Array.from({ length: count }, () => pieces[Math.floor(random() * pieces.length)] as string).join('')
    const bytes = Buffer.from(isAscii ? text.replace(/[^\0-\x7f]/gu, 'x') : text)
    const lines = linesOf(bytes, () => 1 + Math.floor(random() * 8))
    assert.deepEqual(lines, expectedLines(bytes), `MILLRACE_SEED=${seed} round ${round}: ${JSON.stringify(text)}`)
  }
})
