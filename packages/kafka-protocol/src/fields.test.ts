import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolError } from './errors.ts'
import { array, bytes, int32, int64, message, string, struct, uuid, ZERO_UUID } from './fields.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

const sample = message(
  'Sample',
  { versions: { min: 1, max: 4 }, flexibleFrom: 3 },
  {
    name: string(),
    note: string({ since: 2, nullable: true, default: null, ignorable: true }),
    epoch: int32({ since: 2, default: -1 }),
    items: array(struct({ id: int64() }), { nullable: 2 }),
    leader: struct({ id: int32({ default: -1 }) }, { since: 3, tag: 1 }),
    topicId: uuid({ since: 4 }),
  },
)

function encoded(version: number, value: Parameters<typeof sample.encode>[2]): Buffer {
  const writer = new Writer(1)
  sample.encode(writer, version, value)
  return writer.result()
}

function decoded(version: number, hex: string) {
  return sample.decode(new Reader(Buffer.from(hex, 'hex')), version)
}

test('a version carries only its own fields, and the others come back as their defaults', () => {
  const bytes = encoded(1, { name: 'a', items: [{ id: 7 }] })
  assert.equal(bytes.toString('hex'), '000161000000010000000000000007')
  assert.deepEqual(decoded(1, bytes.toString('hex')), {
    name: 'a',
    items: [{ id: 7 }],
    note: null,
    epoch: -1,
    leader: { id: -1 },
    topicId: ZERO_UUID,
  })
})

test('a flexible version has compact lengths and tagged fields behind each struct', () => {
  const bytes = encoded(3, { name: 'a', items: [{ id: 7 }], leader: { id: 5 } })
  assert.equal(bytes.toString('hex'), '026100ffffffff02000000000000000700' + '0101050000000500')
  assert.deepEqual(decoded(3, bytes.toString('hex')).leader, { id: 5 })
})

test('a tagged field that equals its default is not sent', () => {
  assert.equal(encoded(3, { name: 'a', items: [], leader: { id: -1 } }).toString('hex'), '026100ffffffff0100')
})

test('unknown tagged fields are skipped', () => {
  assert.equal(decoded(3, '026100ffffffff0101' + '6303aabbcc').name, 'a')
})

test('a value that the version cannot carry is refused unless it may be dropped', () => {
  assert.throws(() => encoded(1, { name: 'a', items: [], epoch: 3 }), /Sample\.epoch has a value, but version 1 cannot carry it/)
  assert.doesNotThrow(() => encoded(1, { name: 'a', items: [], note: 'x' }))
})

test('a missing field, a null and a value of another type are refused by name', () => {
  assert.throws(() => encoded(1, { items: [] } as never), /Sample\.name is missing/)
  assert.throws(() => encoded(1, { name: 'a', items: null as never }), /Sample\.items must be an array/)
  assert.throws(() => encoded(1, { name: 7 as never, items: [] }), /Sample\.name must be a text, not "7"/)
  assert.throws(() => encoded(2, { name: 'a', items: [], epoch: 2 ** 31 }), /Sample\.epoch must be an integer of 4 bytes/)
  assert.throws(() => encoded(1, { name: 'a', items: [{ id: 2 ** 53 }] }), /Sample\.items\[\]\.id must be an integer of 8 bytes/)
  assert.throws(() => decoded(1, 'ffff00000000'), /Sample\.name must not be null/)
})

test('a null array is carried from the version on that allows it', () => {
  assert.throws(() => encoded(1, { name: 'a', items: null }), ProtocolError)
  const bytes = encoded(2, { name: 'a', items: null })
  assert.equal(decoded(2, bytes.toString('hex')).items, null)
})

test('a version that is not declared is refused', () => {
  assert.throws(() => encoded(0, { name: 'a', items: [] }), /Sample has no version 0; known are 1 to 4/)
  assert.throws(() => decoded(5, ''), /Sample has no version 5/)
  assert.throws(() => decoded(Number.NaN, ''), ProtocolError)
})

test('a 64-bit integer beyond the safe range is refused, not rounded', () => {
  assert.throws(() => decoded(1, '000161000000010020000000000000'), /beyond/)
  assert.equal(decoded(1, '00016100000001001fffffffffffff').items![0]!.id, Number.MAX_SAFE_INTEGER)
})

test('the count of an array is checked against the bytes that are left', () => {
  assert.throws(() => decoded(1, '0001617fffffff0000000000000007'), /An array of 2147483647 elements .* does not fit/)
  assert.throws(() => decoded(1, '000161fffffffe'), ProtocolError)
})

test('defaults are made anew for each message', () => {
  const first = decoded(1, '00016100000000')
  first.leader.id = 99
  assert.equal(decoded(1, '00016100000000').leader.id, -1)
})

test('bytes are decoded as a view of the frame', () => {
  const holder = message('Holder', { versions: { min: 0, max: 0 }, flexibleFrom: 0 }, { data: bytes() })
  const frame = Buffer.from('0401020300', 'hex')
  const { data } = holder.decode(new Reader(frame), 0)
  frame[1] = 9
  assert.deepEqual([...data], [9, 2, 3])
})
