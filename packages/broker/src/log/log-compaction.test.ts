import assert from 'node:assert/strict'
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { CompressionType, decodeRecords, readBatches, RecordBatchBuilder } from '@millrace/kafka-protocol'
import { Random } from '@millrace/testing'
import { BufferPool } from '../buffer-pool.ts'
import { topicConfig } from '../config/topic-config.ts'
import { Faults } from '../faults.ts'
import { recordingLogger } from '../fixtures/recording-logger.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { crc32c } from './checksum.ts'
import { decompress } from './decompress.ts'
import { OpenFiles } from './open-files.ts'
import { PartitionLog } from './partition-log.ts'

const NOW = 1_000_000
const DELETE_RETENTION_MS = 5000
const goOn = () => Promise.resolve(true)
const accept = () => {}

function openLog(directory: string, overrides: Readonly<Record<string, string>> = {}, compactionKeysMax?: number) {
  const config = topicConfig(
    {
      'cleanup.policy': 'compact',
      'delete.retention.ms': String(DELETE_RETENTION_MS),
      'min.cleanable.dirty.ratio': '0',
      'segment.bytes': '1048576',
      ...overrides,
    },
    {},
  )
  return PartitionLog.open({
    directory,
    topic: 'settings',
    partition: 0,
    config: { ...config, segmentBytes: 600 },
    isTrusted: false,
    leaderEpoch: 0,
    producerIdExpirationMs: 86_400_000,
    ...(compactionKeysMax !== undefined && { compactionKeysMax }),
    files: new OpenFiles(2),
    buffers: new BufferPool(),
    faults: new Faults(),
    logger: recordingLogger(),
  })
}

type KeyValue = readonly [key: string, value: string | null]

function batchOf(records: readonly KeyValue[], details: Parameters<RecordBatchBuilder['close']>[0] = {}): Buffer {
  const builder = new RecordBatchBuilder(crc32c)
  for (const [i, [key, value]] of records.entries()) builder.append(NOW + i, key, value, [{ key: 'h', value: Buffer.from(key) }])
  return Buffer.from(builder.close(details))
}

const gzip = { compression: { attribute: CompressionType.gzip, compress: (records: Buffer) => gzipSync(records) } }

interface Read {
  readonly offset: number
  readonly timestamp: number
  readonly key: string
  readonly value: string | null
}

/** What a reader of committed records gets from the beginning. */
function contents(log: PartitionLog): Read[] {
  const found: Read[] = []
  for (let offset = log.startOffset; offset < log.lastStableOffset; ) {
    const { records, abortedTransactions } = log.readCommitted(offset, 700, true)
    assert.ok(records.length > 0, `there is nothing from offset ${offset} on`)
    for (const batch of readBatches(records)) {
      assert.ok(batch.isValid(crc32c))
      assert.ok(batch.lastOffset >= offset, 'offsets grow')
      offset = batch.nextOffset
      const isAborted = abortedTransactions.some(
        ({ producerId, firstOffset, lastOffset }) => producerId === batch.producerId && firstOffset <= batch.baseOffset && batch.baseOffset <= lastOffset,
      )
      if (batch.isControl || (batch.isTransactional && isAborted)) continue
      const cursor = decodeRecords(batch, decompress)
      while (cursor.next()) {
        assert.equal(cursor.headers()[0]!.value!.toString(), cursor.key()!.toString())
        found.push({ offset: cursor.offset, timestamp: cursor.timestamp, key: cursor.key()!.toString(), value: cursor.value()?.toString() ?? null })
      }
    }
  }
  return found
}

const latestOf = (records: readonly Read[]) => new Map(records.map((record) => [record.key, record]))

test('leaves the last record of each key with its offset, time and headers, over compactions, crashes and codecs', async (t) => {
  const random = new Random()
  t.diagnostic(`MILLRACE_SEED=${random.seed}`)
  const directory = temporaryFolder(t)
  let log = openLog(directory)
  const expected = new Map<string, Read>()
  for (let step = 0; step < 400; step++) {
    const records = Array.from({ length: random.integer(1, 4) }, (): KeyValue => [`key-${random.integer(0, 30)}`, `value ${step}`])
    const { baseOffset } = log.append(batchOf(records, random.integer(0, 3) === 0 ? gzip : {}), NOW)
    for (const [i, [key, value]] of records.entries()) expected.set(key, { offset: baseOffset + i, timestamp: NOW + i, key, value })
    if (random.integer(0, 29) === 0) {
      // Given up at any moment, as a crash would do.
      let pausesLeft = random.integer(0, 40)
      await log.compact(NOW, () => Promise.resolve(--pausesLeft > 0))
    }
    if (random.integer(0, 29) === 0) log = openLog(directory)
  }
  const { endOffset } = log
  const before = contents(log).length
  await log.compact(NOW, goOn)
  assert.deepEqual(latestOf(contents(log)), expected)
  assert.ok(contents(log).length < before && contents(log).length < 60, `${contents(log).length} records are left`)
  log = openLog(directory)
  assert.deepEqual(latestOf(contents(log)), expected)
  assert.equal(log.endOffset, endOffset)
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith('.cleaned')),
    [],
  )
})

test('a crash between the segments of a compaction loses nothing', async (t) => {
  const directory = temporaryFolder(t)
  const log = openLog(directory)
  for (let step = 0; step < 60; step++) log.append(batchOf([[`key-${step % 7}`, `value ${step}`]]), NOW)
  const expected = latestOf(contents(log))
  let copies = 0
  await log.compact(NOW, () => {
    const copy = join(temporaryFolder(t), 'copy')
    cpSync(directory, copy, { recursive: true })
    assert.deepEqual(latestOf(contents(openLog(copy))), expected)
    copies++
    return Promise.resolve(true)
  })
  assert.ok(copies > 5)
})

test('a tombstone hides its key at once, and goes when delete.retention.ms is over', async (t) => {
  const log = openLog(temporaryFolder(t))
  log.append(
    batchOf([
      ['gone', 'value'],
      ['kept', 'value'],
    ]),
    NOW,
  )
  log.append(
    batchOf([
      ['gone', null],
      ['kept', 'newer'],
    ]),
    NOW,
  )
  const fill = () => {
    for (let i = 0; i < 10; i++) log.append(batchOf([['filler', 'x'.repeat(100)]]), NOW)
  }
  fill()
  await log.compact(NOW, goOn)
  const ofKeys = () => contents(log).filter(({ key }) => key !== 'filler')
  const tombstone = { offset: 2, timestamp: NOW, key: 'gone', value: null }
  const kept = { offset: 3, timestamp: NOW + 1, key: 'kept', value: 'newer' }
  assert.deepEqual(ofKeys(), [tombstone, kept])
  await log.compact(NOW + DELETE_RETENTION_MS - 1, goOn)
  assert.deepEqual(ofKeys(), [tombstone, kept])
  await log.compact(NOW + DELETE_RETENTION_MS, goOn)
  assert.deepEqual(ofKeys(), [kept])
})

test('aborted records replace none, and go themselves; records of a running transaction stay', async (t) => {
  const log = openLog(temporaryFolder(t))
  const producer = (producerId: number, baseSequence: number) => ({ producerId, producerEpoch: 0, baseSequence, isTransactional: true })
  log.append(batchOf([['a', 'true']]), NOW)
  log.append(batchOf([['a', 'aborted']], producer(1, 0)), NOW, accept)
  log.appendMarker({ producerId: 1, producerEpoch: 0, isCommit: false }, NOW)
  log.append(batchOf([['b', 'first']], producer(1, 1)), NOW, accept)
  log.appendMarker({ producerId: 1, producerEpoch: 0, isCommit: true }, NOW)
  for (let i = 0; i < 10; i++) log.append(batchOf([['filler', 'x'.repeat(100)]]), NOW)
  log.append(batchOf([['b', 'running']], producer(2, 0)), NOW, accept)
  for (let i = 0; i < 10; i++) log.append(batchOf([['filler', 'x'.repeat(100)]]), NOW)
  await log.compact(NOW, goOn)
  const values = () =>
    contents(log)
      .filter(({ key }) => key !== 'filler')
      .map(({ key, value }) => [key, value])
  assert.deepEqual(values(), [
    ['a', 'true'],
    ['b', 'first'],
  ])
  log.appendMarker({ producerId: 2, producerEpoch: 0, isCommit: true }, NOW)
  for (let i = 0; i < 10; i++) log.append(batchOf([['filler', 'x'.repeat(100)]]), NOW)
  await log.compact(NOW, goOn)
  assert.deepEqual(values(), [
    ['a', 'true'],
    ['b', 'running'],
  ])
})

test('waits for the share of new data, for their age, and for the policy', async (t) => {
  const cases: Readonly<Record<string, string>>[] = [{ 'cleanup.policy': 'delete' }, { 'min.compaction.lag.ms': '100' }]
  for (const overrides of cases) {
    const log = openLog(temporaryFolder(t), overrides)
    for (let i = 0; i < 20; i++) log.append(batchOf([['same', 'x'.repeat(100)]]), NOW)
    const before = log.sizeInBytes
    await log.compact(NOW, goOn)
    assert.equal(log.sizeInBytes, before)
  }
})

test('compacts more keys than it may remember in several passes', async (t) => {
  const log = openLog(temporaryFolder(t), {}, 8)
  for (let step = 0; step < 200; step++) log.append(batchOf([[`key-${step % 50}`, step % 50 === 3 && step > 150 ? null : `value ${step}`]]), NOW)
  const expected = latestOf(contents(log))
  for (let pass = 0; pass < 40; pass++) {
    await log.compact(NOW, goOn)
    assert.deepEqual(latestOf(contents(log)), expected)
  }
  assert.ok(contents(log).length < 60, `${contents(log).length} records are left`)
  for (let pass = 0; pass < 40; pass++) await log.compact(NOW + DELETE_RETENTION_MS, goOn)
  assert.ok(!contents(log).some(({ key }) => key === 'key-3'))
})
