import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { crc32c } from './crc32c.test-data.ts'
import { ProtocolError } from './errors.ts'
import { goldenBytes } from './golden.test-data.ts'
import { randomly } from './random.test-data.ts'
import {
  type BatchDetails,
  CompressionType,
  RECORD_BATCH_HEADER_BYTES,
  RecordBatchBuilder,
  RecordBatchOffset,
  type RecordBatchView,
  type RecordData,
  type RecordHeader,
  readBatches,
} from './record-batch.ts'
import { decodeRecords } from './record-cursor.ts'

type Row = readonly [timestamp: number, key: RecordData, value: RecordData, headers?: readonly RecordHeader[]]

function built(rows: readonly Row[], details?: BatchDetails): Buffer {
  const builder = new RecordBatchBuilder(crc32c, Buffer.alloc(0))
  for (const [timestamp, key, value, headers] of rows) {
    const before = builder.sizeInBytes
    const bytesMax = builder.estimateSize(key, value, headers)
    const grown = builder.append(timestamp, key, value, headers)
    assert.equal(builder.sizeInBytes, before + grown)
    assert.ok(grown <= bytesMax)
  }
  return builder.close(details)
}

function only(buffer: Buffer): RecordBatchView {
  const [batch, ...others] = readBatches(buffer)
  assert.ok(batch)
  assert.equal(others.length, 0)
  return batch
}

const decompress = (codec: number, data: Buffer): Buffer => {
  if (codec === CompressionType.gzip) return gunzipSync(data)
  if (codec === CompressionType.zstd) return zstdDecompressSync(data)
  throw new ProtocolError(`No codec ${codec} in this test.`)
}

function rowsOf(batch: RecordBatchView) {
  const cursor = decodeRecords(batch, decompress)
  const rows = []
  while (cursor.next()) {
    const { offset, timestamp } = cursor
    const headers = cursor.headers().map(({ key, value }) => [key, value === null ? null : Buffer.from(value).toString()])
    rows.push({ offset, timestamp, key: cursor.key()?.toString() ?? null, value: cursor.value()?.toString() ?? null, headers })
  }
  return rows
}

const T = 1_700_000_000_000
const text = (value: string | null): Buffer | null => (value === null ? null : Buffer.from(value))

const golden: Readonly<Record<string, { rows: readonly Row[]; details?: BatchDetails }>> = {
  one: { rows: [[T, 'key', 'value']] },
  nulls: {
    rows: [
      [1, null, null],
      [1, '', ''],
      [1, 'k', null],
    ],
  },
  headers: {
    rows: [
      [
        T,
        'žluťoučký',
        '日本語 😀',
        [
          { key: 'a', value: text('1') },
          { key: 'a', value: null },
          { key: 'ž', value: text('') },
        ],
      ],
      [T + 1, null, 'x', [{ key: '', value: text('y') }]],
    ],
    details: { baseOffset: 5, partitionLeaderEpoch: 3 },
  },
  timestamps: {
    rows: [T, T - 1, T + 64, T + 2 ** 27, T + 2 ** 30, T + 2 ** 30 - 1, T - 2 ** 30, T - 2 ** 30 - 1, Number.MAX_SAFE_INTEGER, 0].map(
      (timestamp, i) => [timestamp, null, String(i)] as const,
    ),
  },
  idempotent: {
    rows: [0, 1, 2].map((i) => [T, null, `v${i}`] as const),
    details: { producerId: 4611686018, producerEpoch: 7, baseSequence: 2147483600 },
  },
  transactional: {
    rows: [[T, null, 'v']],
    details: { producerId: Number.MAX_SAFE_INTEGER, producerEpoch: 0, baseSequence: 0, isTransactional: true },
  },
}
const widths = Object.fromEntries([
  ...[61, 62, 63, 64, 65].map((length) => [`ascii${length}`, { rows: [[1, null, 'x'.repeat(length)]] }] as const),
  ...[21, 30, 31, 32, 42, 63, 64].map((length) => [`kanji${length}`, { rows: [[1, null, '語'.repeat(length)]] }] as const),
]) as unknown as typeof golden

for (const [name, { rows, details }] of Object.entries({ ...golden, ...widths })) {
  test(`the batch "${name}" has the bytes of the Java client, from texts and from bytes`, () => {
    assert.equal(built(rows, details).toString('hex'), goldenBytes(name).toString('hex'))
    const asBytes = rows.map(([timestamp, key, value, headers]): Row => [timestamp, text(key as string | null), text(value as string | null), headers])
    assert.equal(built(asBytes, details).toString('hex'), goldenBytes(name).toString('hex'))
  })

  test(`the batch "${name}" of the Java client is read back`, () => {
    const batch = only(goldenBytes(name))
    assert.ok(batch.isValid(crc32c))
    const expected = rows.map(([timestamp, key, value, headers = []], i) => ({
      offset: (details?.baseOffset ?? 0) + i,
      timestamp,
      key,
      value,
      headers: headers.map(({ key, value }) => [key, value === null ? null : Buffer.from(value).toString()]),
    }))
    assert.deepEqual(rowsOf(batch), expected)
  })
}

test('compressed batches of the Java client are read back', () => {
  for (const codec of ['gzip', 'zstd'] as const) {
    const batch = only(goldenBytes(codec))
    assert.equal(batch.compression, CompressionType[codec])
    assert.ok(batch.isValid(crc32c))
    assert.deepEqual(
      rowsOf(batch).map(({ offset, key, value }) => [offset, key, value]),
      [0, 1, 2, 3, 4].map((i) => [i, `k${i}`, 'value value value']),
    )
    assert.throws(() => decodeRecords(batch), /no decompression was given/)
  }
})

test('log append time stands for the time of every record', () => {
  const batch = only(goldenBytes('logAppendTime'))
  assert.equal(batch.timestampType, 'LogAppendTime')
  assert.equal(batch.baseOffset, 100)
  assert.equal(batch.lastOffset, 101)
  assert.deepEqual(
    rowsOf(batch).map(({ timestamp }) => timestamp),
    [1_700_000_000_123, 1_700_000_000_123],
  )
})

test('a transaction marker is told apart', () => {
  const batch = only(goldenBytes('marker'))
  const { isControl, isTransactional, baseOffset, producerId, producerEpoch } = batch
  assert.deepEqual(
    { isControl, isTransactional, baseOffset, producerId, producerEpoch },
    { isControl: true, isTransactional: true, baseOffset: 42, producerId: 12, producerEpoch: 3 },
  )
  const cursor = decodeRecords(batch)
  assert.ok(cursor.next())
  assert.equal(cursor.key()?.toString('hex'), '00000001')
})

test('the header tells what was closed into it', () => {
  const details = {
    baseOffset: 2 ** 40 + 7,
    partitionLeaderEpoch: 4,
    producerId: 2 ** 33,
    producerEpoch: 32767,
    baseSequence: 11,
    isTransactional: true,
    isControl: true,
    timestampType: 'LogAppendTime',
  } as const
  const batch = only(
    built(
      [
        [T + 5, 'a', 'b'],
        [T, null, null],
      ],
      details,
    ),
  )
  for (const [name, value] of Object.entries(details)) assert.equal(batch[name as keyof typeof details], value, name)
  assert.deepEqual([batch.magic, batch.recordCount, batch.lastOffset, batch.nextOffset], [2, 2, 2 ** 40 + 8, 2 ** 40 + 9])
  assert.deepEqual([batch.baseTimestamp, batch.maxTimestamp, batch.hasDeleteHorizon], [T + 5, T + 5, false])
})

const data = fc.option(fc.oneof(fc.string({ unit: 'binary', maxLength: 6000 }), fc.string({ maxLength: 100 }), fc.uint8Array({ maxLength: 9000 })))
const asBuffer = (value: RecordData) => (value === null ? null : Buffer.from(value as Uint8Array))

test('records come back as they were, in order, from any mix of texts and bytes', () => {
  const headers = fc.array(fc.record({ key: fc.string({ unit: 'binary', maxLength: 90 }), value: fc.option(fc.uint8Array({ maxLength: 90 })) }), {
    maxLength: 3,
  })
  const rows = fc.array(fc.tuple(fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), data, data, headers), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(rows, fc.nat(), fc.boolean(), (rows, baseOffset, isCompressed) => {
      const compression = isCompressed ? { attribute: CompressionType.gzip, compress: gzipSync } : undefined
      const batch = only(built(rows, { baseOffset, compression }))
      assert.ok(batch.isValid(crc32c))
      assert.equal(batch.recordCount, rows.length)
      const cursor = decodeRecords(batch, decompress)
      for (const [i, [timestamp, key, value, headers]] of rows.entries()) {
        assert.ok(cursor.next())
        assert.equal(cursor.offset, baseOffset + i)
        assert.equal(cursor.timestamp, timestamp)
        assert.deepEqual(cursor.key(), asBuffer(key))
        assert.deepEqual(cursor.value(), asBuffer(value))
        assert.deepEqual(
          cursor.headers(),
          headers.map(({ key, value }) => ({ key, value: asBuffer(value) })),
        )
      }
      assert.equal(cursor.next(), false)
      assert.equal(cursor.next(), false)
    }),
    randomly(300),
  )
})

test('a lone surrogate and long texts take the bytes that were set aside for them', () => {
  for (const value of ['\ud800'.repeat(5000), '語'.repeat(2730), '語'.repeat(2731), 'é'.repeat(4096), 'x'.repeat(1_000_000), '\ud800x']) {
    const cursor = decodeRecords(only(built([[T, value, value]])))
    assert.ok(cursor.next())
    assert.deepEqual(cursor.key(), Buffer.from(value))
    assert.deepEqual(cursor.value(), Buffer.from(value))
  }
})

test('a builder is used again, in the same buffer', () => {
  const builder = new RecordBatchBuilder(crc32c, Buffer.alloc(1000))
  const { buffer } = builder
  builder.append(1, 'first', 'x')
  builder.reset()
  assert.deepEqual([builder.sizeInBytes, builder.recordCount], [RECORD_BATCH_HEADER_BYTES, 0])
  assert.throws(() => builder.close(), /at least one record/)
  builder.append(T, 'key', 'value')
  assert.equal(builder.close().toString('hex'), goldenBytes('one').toString('hex'))
  assert.equal(builder.buffer, buffer)
})

test('a builder can be closed again with other details', () => {
  const builder = new RecordBatchBuilder(crc32c)
  builder.append(T, 'key', 'value')
  builder.close({ producerId: 7, producerEpoch: 0, baseSequence: 5 })
  const batch = only(builder.close({ producerId: 7, producerEpoch: 1, baseSequence: 0 }))
  assert.deepEqual([batch.producerEpoch, batch.baseSequence, batch.isValid(crc32c)], [1, 0, true])
})

test('batches follow each other, and one that is cut off ends them without an error', () => {
  const batches = Buffer.concat([goldenBytes('one'), goldenBytes('headers'), goldenBytes('gzip')])
  const withoutLast = goldenBytes('one').length + goldenBytes('headers').length
  for (let length = withoutLast; length < batches.length; length++) {
    assert.equal([...readBatches(batches.subarray(0, length))].length, 2)
  }
  assert.equal([...readBatches(batches)].length, 3)
  assert.deepEqual([...readBatches(Buffer.alloc(0))], [])
})

test('offsets and leader epoch are assigned without touching the checksum', () => {
  const batch = only(Buffer.from(goldenBytes('one')))
  batch.assign({ baseOffset: 2 ** 40, partitionLeaderEpoch: 9 })
  assert.deepEqual([batch.baseOffset, batch.partitionLeaderEpoch, batch.isValid(crc32c)], [2 ** 40, 9, true])
})

test('log append time is assigned with a new checksum', () => {
  const batch = only(Buffer.from(goldenBytes('one')))
  batch.assignLogAppendTime(T + 99, crc32c)
  assert.ok(batch.isValid(crc32c))
  assert.deepEqual(rowsOf(batch)[0]!.timestamp, T + 99)
})

test('one changed bit breaks the checksum', () => {
  const batch = only(Buffer.from(goldenBytes('headers')))
  batch.buffer[batch.end - 3]! ^= 4
  assert.equal(batch.isValid(crc32c), false)
})

test('old formats are refused by name, and lengths shorter than a header', () => {
  const old = Buffer.from(goldenBytes('one'))
  old[16] = 1
  assert.throws(() => [...readBatches(old)], /has the format 1; only format 2/)
  for (const length of [-1, 0, 48, -2147483648]) {
    const short = Buffer.from(goldenBytes('one'))
    short.writeInt32BE(length, 8)
    assert.throws(() => [...readBatches(short)], ProtocolError)
  }
})

test('another number of records than the header says is refused', () => {
  for (const count of [1, 3, -1, 2147483647]) {
    const wrong = Buffer.from(goldenBytes('headers'))
    wrong.writeInt32BE(count, 57)
    assert.throws(() => rowsOf(only(wrong)), ProtocolError, String(count))
  }
})

test('broken records are refused as such and never read beyond their batch', () => {
  const names = Object.keys(golden)
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (name, changes) => {
      const intact = goldenBytes(name)
      const broken = Buffer.concat([intact, intact]) // What follows must not be taken for part of the batch.
      for (const [at, byte] of changes) broken[RecordBatchOffset.attributes + (at % (intact.length - RecordBatchOffset.attributes))] = byte
      const [batch] = readBatches(broken)
      try {
        const cursor = decodeRecords(batch!)
        while (cursor.next()) {
          assert.ok(cursor.keyEnd <= batch!.end && cursor.valueEnd <= batch!.end)
          assert.ok(cursor.keyStart <= cursor.keyEnd && cursor.valueStart <= cursor.valueEnd)
          cursor.headers()
        }
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error))
      }
    }),
    randomly(5000),
  )
})

test('keys of headers are those of their own record, however like the ones before', () => {
  const sets = [['source', 'trace'], ['source', 'trace'], ['sourcf', 'trac'], ['', 'trace'], ['quelle', 'ü'], ['trace', 'source', 'more'], ['source']]
  const many = Array.from({ length: 40 }, (_, index) => `key-${index}`)
  const keySets = [...sets, many, many, ...sets.toReversed()]
  const rows = rowsOf(only(built(keySets.map((keys): Row => [T, null, null, keys.map((key) => ({ key, value: null }))]))))
  assert.deepEqual(
    rows.map(({ headers }) => headers.map(([key]) => key)),
    keySets,
  )
})
