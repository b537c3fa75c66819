import assert from 'node:assert/strict'
import test from 'node:test'
import { type AbortedTransaction, type BatchDetails, RecordBatchBuilder } from '@millrace/kafka-protocol'
import { compressionOf, crc32c } from '../compression.ts'
import { FetchedData } from './fetched-data.ts'

/** A batch of records whose values are their offsets. */
function batch(baseOffset: number, count: number, details: BatchDetails = {}): Buffer {
  const builder = new RecordBatchBuilder(crc32c)
  for (let i = 0; i < count; i++) builder.append(1_000 + i, null, `${baseOffset + i}`)
  return Buffer.from(builder.close({ ...details, baseOffset }))
}

/** The end of a transaction, as brokers write it. */
function marker(baseOffset: number, producerId: number, isCommit: boolean): Buffer {
  const builder = new RecordBatchBuilder(crc32c)
  builder.append(0, Buffer.from([0, 0, 0, isCommit ? 1 : 0]), Buffer.alloc(6))
  return Buffer.from(builder.close({ baseOffset, producerId, producerEpoch: 0, isTransactional: true, isControl: true }))
}

/** Makes a batch look as if compaction had removed all records but the first and those after a gap. */
function withLastOffset(bytes: Buffer, lastOffsetDelta: number): Buffer {
  bytes.writeInt32BE(lastOffsetDelta, 23)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

function fetched(records: Buffer[], fetchOffset = 0, aborted: readonly AbortedTransaction[] | null = null, checksCrcs = true): FetchedData {
  return new FetchedData({
    topic: 't',
    partition: 0,
    records: Buffer.concat(records),
    fetchOffset,
    highWatermark: 100,
    abortedTransactions: aborted,
    checksCrcs,
  })
}

function offsets(data: FetchedData, recordsMax = 1_000): number[] {
  const seen: number[] = []
  for (let records = data.take(recordsMax); records; records = data.take(recordsMax)) {
    const before = seen.length
    while (records.next()) {
      assert.equal(records.buffer.toString('utf8', records.valueStart, records.valueEnd), `${records.offset}`)
      seen.push(records.offset)
    }
    assert.equal(seen.length - before, records.count)
  }
  return seen
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

test('hands out all records in pieces, with the position after each', () => {
  const data = fetched([batch(0, 5), batch(5, 3), batch(8, 10)])
  assert.equal(data.nextOffset, 18)
  const positions: number[] = []
  for (let records = data.take(4); records; records = data.take(4)) positions.push(data.position)
  assert.deepEqual(positions, [4, 8, 12, 16, 18])
})

test('begins in the middle of a batch', () => {
  assert.deepEqual(offsets(fetched([batch(0, 5), batch(5, 5)], 3), 2), range(3, 10))
  assert.deepEqual(offsets(fetched([batch(0, 5), batch(5, 5)], 5), 2), range(5, 10))
})

test('ignores a last batch that is cut', () => {
  const data = fetched([batch(0, 5), batch(5, 5).subarray(0, 70)])
  assert.equal(data.nextOffset, 5)
  assert.deepEqual(offsets(data), range(0, 5))
})

test('decompresses batches when their turn comes', () => {
  const compression = compressionOf('zstd', { gzip: -1, zstd: 3 })!
  assert.deepEqual(offsets(fetched([batch(0, 50, { compression }), batch(50, 5)], 20), 7), range(20, 55))
})

test('knows the position in batches that compaction has thinned out', () => {
  const data = fetched([withLastOffset(batch(0, 4), 9), batch(10, 2)])
  data.take(3)
  assert.equal(data.position, 3)
  data.take(1)
  assert.equal(data.position, 10)
  assert.deepEqual(offsets(data), [10, 11])
})

test('refuses a batch whose checksum is wrong, each time, after what came before', () => {
  const broken = batch(5, 5)
  broken[broken.length - 2]! ^= 1
  const data = fetched([batch(0, 5), broken])
  assert.equal(data.take(5)?.count, 5)
  for (let i = 0; i < 2; i++) assert.throws(() => data.take(5), { code: 'CORRUPT_MESSAGE', message: /t-0 at offset 5/ })
  assert.equal(data.position, 5)
})

test('leaves out control batches', () => {
  assert.deepEqual(offsets(fetched([batch(0, 2), marker(2, 9, true), batch(3, 2)])), [0, 1, 3, 4])
})

test('a fetch of nothing but what is left out only moves the position', () => {
  const data = fetched([marker(0, 9, true)])
  assert.equal(data.take(10), null)
  assert.equal(data.position, 1)
})

test('read_committed leaves out aborted transactions, also those that began before the fetch, of several producers', () => {
  const transactional = (producerId: number) => ({ producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true })
  const records = [
    batch(10, 2, transactional(1)), // aborted, began at 4
    batch(12, 2, transactional(2)), // committed
    marker(14, 1, false),
    batch(15, 2, transactional(1)), // committed: the earlier abort does not count
    batch(17, 2), // not transactional
    marker(19, 1, true),
    batch(20, 2, transactional(1)), // aborted again
    marker(22, 2, true),
    marker(23, 1, false),
    batch(24, 1, transactional(2)), // committed
  ]
  const aborted = [
    { producerId: 1, firstOffset: 20 },
    { producerId: 1, firstOffset: 4 },
  ]
  assert.deepEqual(offsets(fetched(records, 10, aborted), 3), [12, 13, 15, 16, 17, 18, 24])
  assert.deepEqual(offsets(fetched(records, 10, null), 3), [10, 11, 12, 13, 15, 16, 17, 18, 20, 21, 24])
})
