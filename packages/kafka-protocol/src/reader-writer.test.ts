import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProtocolError } from './errors.ts'
import { putInt64, putVarint, putVarlong, varintBytes } from './integers.ts'
import { randomly } from './random.test-data.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

function written(write: (writer: Writer) => void): Buffer {
  const writer = new Writer(1)
  write(writer)
  return writer.result()
}

const hex = (write: (writer: Writer) => void) => written(write).toString('hex')
const reader = (bytes: string) => new Reader(Buffer.from(bytes, 'hex'))

test('varints have the bytes of the Java client', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [63, '7e'],
    [-64, '7f'],
    [64, '8001'],
    [-65, '8101'],
    [8191, 'fe7f'],
    [-8192, 'ff7f'],
    [8192, '808001'],
    [1048576, '80808001'],
    [134217728, '8080808001'],
    [2147483647, 'feffffff0f'],
    [-2147483648, 'ffffffff0f'],
  ]
  for (const [value, bytes] of cases) {
    assert.equal(
      hex((writer) => writer.varint(value)),
      bytes,
    )
    assert.equal(
      hex((writer) => writer.varlong(value)),
      bytes,
    )
    assert.equal(reader(bytes).varint(), value)
    assert.equal(reader(bytes).varlong(), value)
  }
})

test('a varlong keeps every safe integer, like the exact arithmetic of BigInt', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 30, -(2 ** 30) - 1)),
      (value) => {
        let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
        const expected: number[] = []
        while (rest >= 128n) {
          expected.push(Number(rest & 127n) | 128)
          rest >>= 7n
        }
        expected.push(Number(rest))

        const bytes = written((writer) => writer.varlong(value))
        assert.deepEqual([...bytes], expected)
        assert.equal(new Reader(bytes).varlong(), value)
        const buffer = Buffer.alloc(16)
        assert.deepEqual([...buffer.subarray(0, putVarlong(buffer, 0, value))], expected)
      },
    ),
    randomly(3000),
  )
})

test('a varlong beyond the safe range is rounded, and one beyond ten bytes refused', () => {
  assert.equal(reader('feffffffffffffffff01').varlong(), 2 ** 63)
  assert.throws(() => reader('ffffffffffffffffffffff').varlong(), ProtocolError)
})

test('an unsigned varint takes at most five bytes', () => {
  assert.equal(reader('ffffffff0f').uvarint(), 0xffff_ffff)
  assert.throws(() => reader('808080808001').uvarint(), /longer than 5 bytes/)
  assert.throws(() => reader('8080').uvarint(), /ends beyond the data/)
})

test('the width of a varint is known before it is written', () => {
  const buffer = Buffer.alloc(8)
  for (const value of [0, 127, 128, 16383, 16384, 2097151, 2097152, 268435455, 268435456, 0xffff_ffff]) {
    assert.equal(putVarint(buffer, 0, value), varintBytes(value))
    assert.equal(new Reader(buffer).uvarint(), value)
  }
})

test('64-bit integers keep every safe integer and refuse all others', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const bytes = written((writer) => writer.int64(value))
      assert.equal(bytes.readBigInt64BE(), BigInt(value))
      assert.equal(new Reader(bytes).int64(), value)
      const buffer = Buffer.alloc(8)
      putInt64(buffer, 0, value)
      assert.deepEqual(buffer, bytes)
    }),
    randomly(1000),
  )
  assert.throws(() => new Writer().int64(2 ** 53), ProtocolError)
  assert.throws(() => new Writer().int64(1.5), ProtocolError)
  assert.throws(() => reader('7fffffffffffffff').int64(), ProtocolError)
  assert.equal(reader('7fffffffffffffff').bigint64(), 2n ** 63n - 1n)
  assert.equal(
    hex((writer) => writer.bigint64(-2n)),
    'fffffffffffffffe',
  )
})

test('texts and bytes come back as they were, null included', () => {
  fc.assert(
    fc.property(fc.option(fc.string({ unit: 'binary', maxLength: 400 })), (text) => {
      assert.equal(new Reader(written((writer) => writer.string(text))).nullableString(), text)
      assert.equal(new Reader(written((writer) => writer.compactString(text))).compactNullableString(), text)
    }),
    randomly(500),
  )
  const data = Buffer.from([1, 2, 3])
  assert.deepEqual(new Reader(written((writer) => writer.bytes(data))).nullableBytes(), data)
  assert.deepEqual(new Reader(written((writer) => writer.compactBytes(data))).compactNullableBytes(), data)
  assert.equal(new Reader(written((writer) => writer.bytes(null))).nullableBytes(), null)
  assert.equal(new Reader(written((writer) => writer.compactBytes(null))).compactNullableBytes(), null)
})

test('a text longer than 32767 bytes is refused, and one at the limit is not', () => {
  const longest = 'x'.repeat(32767)
  assert.equal(new Reader(written((writer) => writer.string(longest))).nullableString(), longest)
  assert.throws(() => new Writer().string(`${longest}x`), /longer than the protocol's 32767/)
  assert.throws(() => new Writer().compactString('語'.repeat(10923)), ProtocolError)
})

test('a UUID is 22 characters of URL-safe base64', () => {
  const bytes = '000102030405060708090a0b0c0d0e0f'
  assert.equal(reader(bytes).uuid(), 'AAECAwQFBgcICQoLDA0ODw')
  assert.equal(
    hex((writer) => writer.uuid('AAECAwQFBgcICQoLDA0ODw')),
    bytes,
  )
  for (const wrong of ['', 'AAEC', 'AAECAwQFBgcICQoLDA0ODwAAAA']) assert.throws(() => new Writer().uuid(wrong), /is no UUID/)
})

test('plain numbers are big-endian', () => {
  assert.equal(
    hex((writer) => {
      writer.boolean(true)
      writer.int8(-2)
      writer.int16(-2)
      writer.uint16(65534)
      writer.int32(-2)
      writer.uint32(4294967294)
      writer.float64(1.5)
    }),
    '01fefffefffefffffffefffffffe3ff8000000000000',
  )
  const all = reader('01fefffefffefffffffefffffffe3ff8000000000000')
  assert.deepEqual(
    [all.boolean(), all.int8(), all.int16(), all.uint16(), all.int32(), all.uint32(), all.float64(), all.remaining],
    [true, -2, -2, 65534, -2, 4294967294, 1.5, 0],
  )
})

test('every read beyond the end is refused, also inside a larger buffer', () => {
  const reads: readonly ((reader: Reader) => unknown)[] = [
    (r) => r.boolean(),
    (r) => r.int8(),
    (r) => r.int16(),
    (r) => r.uint16(),
    (r) => r.int32(),
    (r) => r.uint32(),
    (r) => r.int64(),
    (r) => r.bigint64(),
    (r) => r.float64(),
    (r) => r.uvarint(),
    (r) => r.varint(),
    (r) => r.varlong(),
    (r) => r.uuid(),
    (r) => r.utf8(1),
    (r) => r.view(1),
    (r) => r.nullableString(),
    (r) => r.nullableBytes(),
    (r) => r.skipTaggedFields(),
  ]
  for (const read of reads) assert.throws(() => read(new Reader(Buffer.alloc(64), 8, 8)), ProtocolError, read.toString())
})

test('a negative length is refused', () => {
  assert.throws(() => reader('fffe6161').nullableString(), ProtocolError)
  assert.throws(() => reader('fffffffe').nullableBytes(), ProtocolError)
  assert.throws(() => reader('00').view(-1), ProtocolError)
})

test('a length is patched after what it counts', () => {
  const bytes = written((writer) => {
    writer.reserve(4)
    writer.string('abc')
    writer.patchI32(0, writer.pos - 4)
  })
  assert.equal(bytes.toString('hex'), '000000050003616263')
})
