import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lz4BytesMax, snappyBytes } from './decompressed-bytes.ts'
import { ProtocolError } from './errors.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('an LZ4 frame can hold as much as its blocks can', () => {
  const header = '04224d18 60'
  const end = '00000000'
  assert.equal(lz4BytesMax(hex(`${header} 40 00 ${end}`)), 0)
  assert.equal(lz4BytesMax(hex(`${header} 40 00 02000000 0000 ${end}`)), 2 * 255)
  assert.equal(lz4BytesMax(Buffer.concat([hex(`${header} 40 00 00040000`), Buffer.alloc(1024), hex(end)])), 64 * 1024)
  assert.equal(lz4BytesMax(Buffer.concat([hex(`${header} 70 00 00400080`), Buffer.alloc(0x4000), hex(end)])), 255 * 0x4000)
})

test('content size, dictionary id and checksums of an LZ4 frame are no blocks', () => {
  assert.equal(lz4BytesMax(hex('04224d18 79 40 0102030405060708 01020304 00 01000000 00 aabbccdd 00000000')), 255)
})

test('what is no LZ4 frame, and one that is cut, are refused', () => {
  assert.throws(() => lz4BytesMax(Buffer.alloc(0)), ProtocolError)
  assert.throws(() => lz4BytesMax(hex('04224d19 60 40 00 00000000')), ProtocolError)
  assert.throws(() => lz4BytesMax(hex('04224d18 60 40 00 05000000 0000 00000000')), ProtocolError)
})

test('a Snappy block holds what it says, unless that is more than it can', () => {
  assert.equal(snappyBytes(Buffer.from([3, 8, 0x61, 0x62, 0x63])), 3)
  assert.equal(snappyBytes(Buffer.concat([Buffer.from([0xff, 0xff, 0x03]), Buffer.alloc(3000)])), 65535)
  assert.throws(() => snappyBytes(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 8, 0x61])), ProtocolError)
  assert.throws(() => snappyBytes(Buffer.alloc(0)), ProtocolError)
  assert.throws(() => snappyBytes(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])), ProtocolError)
})
