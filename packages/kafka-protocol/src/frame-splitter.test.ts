import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameSplitter } from './frame-splitter.ts'
import { randomly } from './random.test-data.ts'

function framed(content: Uint8Array): Buffer {
  const frame = Buffer.alloc(4 + content.length)
  frame.writeInt32BE(content.length)
  frame.set(content, 4)
  return frame
}

test('frames come out whole and in order, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (contents, cuts) => {
      const stream = Buffer.concat(contents.map(framed))
      const splitter = new FrameSplitter(1000)
      const frames: Buffer[] = []
      for (let pos = 0; pos < stream.length; ) {
        const length = cuts.next().value
        frames.push(...splitter.push(Buffer.from(stream.subarray(pos, pos + length))))
        pos += length
      }
      assert.deepEqual(
        frames.map((frame) => [...frame]),
        contents.map((content) => [...content]),
      )
    }),
    randomly(500),
  )
})

test('a frame larger than what is set aside beforehand is collected too', () => {
  const content = Buffer.alloc(9 * 1024 * 1024, 'abcdefg')
  const stream = framed(content)
  const splitter = new FrameSplitter(content.length)
  const frames: Buffer[] = []
  for (let pos = 0; pos < stream.length; pos += 65536) frames.push(...splitter.push(stream.subarray(pos, pos + 65536)))
  assert.equal(frames.length, 1)
  assert.ok(frames[0]!.equals(content))
})

test('a size that is negative or too large is refused before any memory is set aside', () => {
  assert.throws(() => new FrameSplitter(100).push(Buffer.from([0, 0, 0, 101])), /101 bytes was announced; the limit is 100/)
  assert.throws(() => new FrameSplitter(100).push(Buffer.from([255, 255, 255, 255])), /-1 bytes/)
  // "GET " read as a size: somebody speaks HTTP.
  assert.throws(() => new FrameSplitter(104857600).push(Buffer.from('GET / HTTP/1.1\r\n')), /1195725856 bytes/)
})
