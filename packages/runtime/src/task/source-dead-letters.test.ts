import assert from 'node:assert/strict'
import test from 'node:test'
import { Decimal, Headers, type SourceRecord } from '@millrace/api'
import { sourceDeadLetter } from './source-dead-letters.ts'

function record(fields: Partial<SourceRecord>): SourceRecord {
  return {
    topic: 't',
    kafkaPartition: null,
    keySchema: null,
    key: null,
    valueSchema: null,
    value: null,
    timestamp: null,
    headers: null,
    sourcePartition: { file: 'f' },
    sourceOffset: { position: 9007199254740993n },
    ...fields,
  }
}

const text = (bytes: unknown) => (bytes === null ? null : Buffer.from(bytes as Uint8Array).toString())

test('texts and bytes are as the source gave them, anything else is JSON', () => {
  const letter = sourceDeadLetter(
    record({
      key: 'k',
      value: { id: 12345678901234567890n, price: new Decimal(1999n, 2), raw: Buffer.from('ab'), at: new Date(0), tags: new Map([['a', [1, null]]]) },
      headers: new Headers([{ key: 'h', schema: null, value: Buffer.from([1, 2]) }]),
      timestamp: 5,
    }),
  )
  assert.deepEqual([text(letter.key), letter.timestamp], ['k', 5])
  assert.equal(text(letter.value), '{"id":"12345678901234567890","price":"19.99","raw":"YWI=","at":"1970-01-01T00:00:00.000Z","tags":{"a":[1,null]}}')
  assert.deepEqual(letter.headers, [{ key: 'h', value: Buffer.from([1, 2]) }])
  assert.deepEqual(
    letter.notes?.map(({ key, value }) => [key, text(value)]),
    [
      ['millrace.errors.source.partition', '{"file":"f"}'],
      ['millrace.errors.source.offset', '{"position":"9007199254740993"}'],
    ],
  )
})

test('what is too long to fit is left out, and said to be', () => {
  const letter = sourceDeadLetter(record({ key: 'k', value: 'x'.repeat(2_000_000) }))
  assert.deepEqual([text(letter.key), letter.value], ['k', null])
  assert.deepEqual(text(letter.notes?.at(-1)?.value ?? null), 'value: 2000000 bytes')
})

test('no value is so odd that it has no text', () => {
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  const odd = {
    toJSON() {
      throw new Error('no')
    },
  }
  for (const value of [cycle, odd, undefined, Symbol('s'), () => 1, Number.NaN]) assert.doesNotThrow(() => sourceDeadLetter(record({ value })))
})
