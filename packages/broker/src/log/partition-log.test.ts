import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CompressionType, ErrorCode, readBatches } from '@millrace/kafka-protocol'
import { gzipSync } from 'node:zlib'
import { Random } from '@millrace/testing'
import { BufferPool } from '../buffer-pool.ts'
import { type TopicConfig, topicConfig } from '../config/topic-config.ts'
import { Faults } from '../faults.ts'
import { recordBatch, recordsIn } from '../fixtures/record-batches.ts'
import { recordingLogger } from '../fixtures/recording-logger.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { crc32c } from './checksum.ts'
import { OpenFiles } from './open-files.ts'
import { PartitionLog } from './partition-log.ts'

const NOW = 1_000_000
const SEGMENT = '00000000000000000000.log'

function openLog(directory: string, overrides: Partial<TopicConfig> & { readonly isTrusted?: boolean } = {}) {
  const { isTrusted = false, ...config } = overrides
  const faults = new Faults()
  const logger = recordingLogger()
  const log = PartitionLog.open({
    directory,
    topic: 'orders',
    partition: 0,
    config: { ...topicConfig({}, {}), ...config },
    isTrusted,
    leaderEpoch: 0,
    producerIdExpirationMs: 86_400_000,
    files: new OpenFiles(2),
    buffers: new BufferPool(),
    faults,
    logger,
  })
  return { log, faults, logger }
}

function allRecords(log: PartitionLog) {
  const pieces: Buffer[] = []
  for (let offset = log.startOffset; offset < log.endOffset; ) {
    const slice = log.read(offset, 1000, true)
    pieces.push(slice)
    offset = [...readBatches(slice)].at(-1)!.nextOffset
  }
  return recordsIn(pieces)
}

const codeOf = (error: unknown) => (error as { errorCode?: number }).errorCode
const rejects = (errorCode: number) => (error: unknown) => codeOf(error) === errorCode

test('numbers records in the order of appending and reads them back', (t) => {
  const { log } = openLog(temporaryFolder(t))
  assert.deepEqual(log.append(recordBatch(['a', 'b']), NOW), { baseOffset: 0, logAppendTime: -1 })
  assert.deepEqual(log.append(recordBatch(['c']), NOW), { baseOffset: 2, logAppendTime: -1 })
  assert.equal(log.endOffset, 3)
  assert.deepEqual(recordsIn([log.read(0, 1_000_000, true)]), [
    { offset: 0, value: 'a' },
    { offset: 1, value: 'b' },
    { offset: 2, value: 'c' },
  ])
})

test('reads from the batch that holds the offset on, and nothing at the end', (t) => {
  const { log } = openLog(temporaryFolder(t))
  log.append(recordBatch(['a', 'b']), NOW)
  log.append(recordBatch(['c']), NOW)
  assert.equal(recordsIn([log.read(1, 1_000_000, true)])[0]!.offset, 0)
  assert.equal(recordsIn([log.read(2, 1_000_000, true)])[0]!.offset, 2)
  assert.equal(log.read(3, 1_000_000, true).length, 0)
  assert.throws(() => log.read(4, 1_000_000, true), rejects(ErrorCode.OFFSET_OUT_OF_RANGE))
  assert.throws(() => log.read(-1, 1_000_000, true), rejects(ErrorCode.OFFSET_OUT_OF_RANGE))
})

test('gives one batch that is larger than asked for only where it is required', (t) => {
  const { log } = openLog(temporaryFolder(t))
  log.append(recordBatch(['x'.repeat(500_000)]), NOW)
  assert.equal(log.read(0, 100, false).length, 0)
  assert.equal(recordsIn([log.read(0, 100, true)]).length, 1)
  assert.equal(recordsIn([log.read(0, 0, true)]).length, 1)
})

test('gives the batch of any offset, within any size, in all segments', (t) => {
  const random = new Random()
  t.diagnostic(`MILLRACE_SEED=${random.seed}`)
  const directory = temporaryFolder(t)
  const { log } = openLog(directory, { segmentBytes: 20_000 })
  let next = 0
  for (let i = 0; i < 400; i++) {
    const values = Array.from({ length: random.integer(1, 20) }, () => `value ${next++} ${'x'.repeat(random.integer(0, 200))}`)
    log.append(recordBatch(values), NOW)
    for (let j = 0; j < 5; j++) {
      const offset = random.integer(0, log.endOffset)
      const bytesMax = random.integer(0, 10_000)
      const bytes = log.read(offset, bytesMax, true)
      const records = recordsIn([bytes])
      if (offset === log.endOffset) assert.equal(records.length, 0)
      else
        assert.ok(
          records.some((record) => record.offset === offset),
          `offset ${offset} is missing`,
        )
      for (const record of records) assert.equal(record.value.split(' ')[1], String(record.offset))
      assert.ok(bytes.length <= log.bytesFrom(offset))
    }
  }
  assert.deepEqual(allRecords(openLog(directory, { segmentBytes: 20_000 }).log), allRecords(log))
})

test('drops a torn last batch, whatever its length, and keeps all others', (t) => {
  const directory = temporaryFolder(t)
  const { log } = openLog(directory)
  log.append(recordBatch(['a', 'b']), NOW)
  log.append(recordBatch(['c']), NOW)
  const wholeBytes = log.sizeInBytes
  log.append(recordBatch(['the last one', 'of two']), NOW)
  for (let bytes = wholeBytes; bytes < log.sizeInBytes; bytes++) {
    const copy = join(temporaryFolder(t), 'copy')
    cpSync(directory, copy, { recursive: true })
    truncateSync(join(copy, SEGMENT), bytes)
    const { log: recovered, logger } = openLog(copy)
    assert.equal(recovered.endOffset, 3)
    assert.equal(readFileSync(join(copy, SEGMENT)).length, wholeBytes)
    assert.equal(logger.lines.length, bytes === wholeBytes ? 0 : 1)
    assert.equal(recovered.append(recordBatch(['d']), NOW).baseOffset, 3)
    assert.deepEqual(
      allRecords(recovered).map(({ value }) => value),
      ['a', 'b', 'c', 'd'],
    )
  }
})

test('drops a last batch with any byte changed that its checksum covers', (t) => {
  const directory = temporaryFolder(t)
  const { log } = openLog(directory)
  log.append(recordBatch(['a']), NOW)
  const start = log.sizeInBytes
  log.append(recordBatch(['b']), NOW)
  const good = readFileSync(join(directory, SEGMENT))
  // Base offset and leader epoch are assigned by the broker and under no checksum.
  for (let at = start + 16; at < good.length; at++) {
    const bad = Buffer.from(good)
    bad[at]! ^= 0x5a
    const copy = join(temporaryFolder(t), 'copy')
    mkdirSync(copy)
    writeFileSync(join(copy, SEGMENT), bad)
    assert.equal(openLog(copy).log.endOffset, 1, `byte ${at} was changed`)
  }
})

test('drops garbage and zeros behind the last batch', (t) => {
  for (const tail of [Buffer.alloc(1000), new Random(7).bytes(1000), Buffer.from('x')]) {
    const directory = temporaryFolder(t)
    openLog(directory).log.append(recordBatch(['a']), NOW)
    appendFileSync(join(directory, SEGMENT), tail)
    assert.deepEqual(allRecords(openLog(directory).log), [{ offset: 0, value: 'a' }])
  }
})

test('begins a new segment when one is full, and finds records in all of them after a restart', (t) => {
  const directory = temporaryFolder(t)
  const { log } = openLog(directory, { segmentBytes: 1000 })
  for (let i = 0; i < 50; i++) log.append(recordBatch([`value ${i}`]), NOW)
  assert.ok(readdirSync(directory).filter((name) => name.endsWith('.log')).length > 3)
  for (const isTrusted of [true, false]) {
    const { log: again } = openLog(directory, { segmentBytes: 1000, isTrusted })
    assert.equal(again.endOffset, 50)
    assert.equal(allRecords(again).length, 50)
    for (let offset = 0; offset < 50; offset++) assert.equal(recordsIn([again.read(offset, 1, true)])[0]!.offset, offset)
  }
})

test('makes a lost or broken index of a closed segment again', (t) => {
  const directory = temporaryFolder(t)
  const { log } = openLog(directory, { segmentBytes: 1000 })
  for (let i = 0; i < 50; i++) log.append(recordBatch([`value ${i}`]), NOW)
  const indexes = readdirSync(directory).filter((name) => name.endsWith('.index'))
  assert.ok(indexes.length > 2)
  truncateSync(join(directory, indexes[0]!), 0)
  truncateSync(join(directory, indexes[1]!), 33)
  copyFileSync(join(directory, indexes[0]!), join(directory, indexes[2]!))
  assert.equal(allRecords(openLog(directory).log).length, 50)
})

test('leaves nothing of a write that failed on a full disk, and goes on when there is room again', (t) => {
  for (const bytesWritten of [0, 1, 40, 75]) {
    const directory = temporaryFolder(t)
    const { log, faults } = openLog(directory)
    log.append(recordBatch(['a']), NOW)
    faults.arm({ kind: 'disk', error: 'ENOSPC', bytesWritten, times: 2 })
    for (let i = 0; i < 2; i++) assert.throws(() => log.append(recordBatch(['lost']), NOW), rejects(ErrorCode.KAFKA_STORAGE_ERROR))
    assert.equal(log.endOffset, 1)
    assert.equal(log.append(recordBatch(['b']), NOW).baseOffset, 1)
    assert.deepEqual(
      allRecords(log).map(({ value }) => value),
      ['a', 'b'],
    )
    assert.deepEqual(
      allRecords(openLog(directory).log).map(({ value }) => value),
      ['a', 'b'],
    )
  }
})

test('does not remember the sequence of a batch that could not be written', (t) => {
  const { log, faults } = openLog(temporaryFolder(t))
  const batch = (baseSequence: number) => recordBatch(['a'], { producerId: 7, producerEpoch: 0, baseSequence })
  log.append(batch(0), NOW)
  faults.arm({ kind: 'disk', error: 'EIO', times: 1 })
  assert.throws(() => log.append(batch(1), NOW), rejects(ErrorCode.KAFKA_STORAGE_ERROR))
  assert.equal(log.append(batch(1), NOW).baseOffset, 1)
  assert.equal(log.endOffset, 2)
})

test('refuses what is no single valid batch', (t) => {
  const { log } = openLog(temporaryFolder(t), { maxMessageBytes: 500 })
  const refused = (records: Buffer, code: number) => assert.throws(() => log.append(records, NOW), rejects(code))
  const changed = (at: number, change: (batch: Buffer) => void) => {
    const batch = recordBatch(['a', 'b'])
    change(batch)
    // A right checksum over wrong contents.
    if (at >= 21) batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
    return batch
  }
  refused(Buffer.alloc(0), ErrorCode.CORRUPT_MESSAGE)
  refused(recordBatch(['a']).subarray(0, 60), ErrorCode.CORRUPT_MESSAGE)
  refused(recordBatch(['a']).subarray(0, 65), ErrorCode.CORRUPT_MESSAGE)
  refused(Buffer.concat([recordBatch(['a']), recordBatch(['b'])]), ErrorCode.INVALID_RECORD)
  refused(
    changed(16, (batch) => (batch[16] = 1)),
    ErrorCode.INVALID_RECORD,
  )
  refused(
    changed(0, (batch) => (batch[70]! ^= 1)),
    ErrorCode.CORRUPT_MESSAGE,
  )
  refused(
    changed(57, (batch) => batch.writeInt32BE(3, 57)),
    ErrorCode.INVALID_RECORD,
  )
  refused(
    changed(57, (batch) => batch.writeInt32BE(0, 57)),
    ErrorCode.INVALID_RECORD,
  )
  refused(
    changed(21, (batch) => batch.writeInt16BE(0x20, 21)),
    ErrorCode.INVALID_RECORD,
  )
  refused(recordBatch(['x'.repeat(600)]), ErrorCode.MESSAGE_TOO_LARGE)
  refused(recordBatch(['a'], { timestamp: NOW + 3_600_001 }), ErrorCode.INVALID_TIMESTAMP)
  assert.equal(log.endOffset, 0)
})

test('refuses records without keys where the topic is compacted', (t) => {
  const { log } = openLog(temporaryFolder(t), { isCompacted: true })
  const compression = { attribute: CompressionType.gzip, compress: (records: Buffer) => gzipSync(records) }
  assert.throws(() => log.append(recordBatch(['a']), NOW), rejects(ErrorCode.INVALID_RECORD))
  assert.throws(() => log.append(recordBatch(['a'], { compression }), NOW), rejects(ErrorCode.INVALID_RECORD))
  log.append(recordBatch(['a'], { key: 'k' }), NOW)
  log.append(recordBatch(['a'], { key: 'k', compression }), NOW)
  assert.equal(log.endOffset, 2)
})

test('stamps records with the time of appending where the topic asks for it', (t) => {
  const { log } = openLog(temporaryFolder(t), { timestampType: 'LogAppendTime' })
  assert.deepEqual(log.append(recordBatch(['a'], { timestamp: 5 }), NOW), { baseOffset: 0, logAppendTime: NOW })
  const [batch] = readBatches(log.read(0, 1000, true))
  assert.equal(batch!.timestampType, 'LogAppendTime')
  assert.equal(batch!.maxTimestamp, NOW)
  assert.ok(batch!.isValid(crc32c))
})

test('finds the first record from a time on, and the one with the highest time', (t) => {
  const directory = temporaryFolder(t)
  const { log } = openLog(directory, { segmentBytes: 1000 })
  assert.equal(log.latestByTimestamp(), undefined)
  const times = Array.from({ length: 60 }, (_, i) => 1000 + 10 * i)
  for (const timestamp of times) log.append(recordBatch(['a', 'b'], { timestamp }), NOW)
  log.append(recordBatch(['late'], { timestamp: 500 }), NOW)
  for (const reader of [log, openLog(directory).log]) {
    assert.deepEqual(reader.firstSince(0), { offset: 0, timestamp: 1000, leaderEpoch: 0 })
    assert.deepEqual(reader.firstSince(1000), { offset: 0, timestamp: 1000, leaderEpoch: 0 })
    for (const [i, timestamp] of times.entries()) assert.deepEqual(reader.firstSince(timestamp - 9), { offset: 2 * i, timestamp, leaderEpoch: 0 })
    assert.equal(reader.firstSince(2000), undefined)
    assert.deepEqual(reader.latestByTimestamp(), { offset: 118, timestamp: 1590, leaderEpoch: 0 })
  }
})

test('removes old segments by time and by size, and never what is left to keep', (t) => {
  const directory = temporaryFolder(t)
  const { log } = openLog(directory, { segmentBytes: 1000, retentionMs: 1000 })
  for (let i = 0; i < 50; i++) log.append(recordBatch([`value ${i}`], { timestamp: NOW + 100 * i }), NOW + 100 * i)
  log.removeExpired(NOW + 2900)
  const start = log.startOffset
  assert.ok(start > 0 && start <= 19, `starts at ${start}`)
  assert.equal(log.endOffset, 50)
  assert.throws(() => log.read(start - 1, 1000, true), rejects(ErrorCode.OFFSET_OUT_OF_RANGE))
  assert.equal(allRecords(log)[0]!.offset, start)

  log.config = { ...log.config, retentionMs: -1, retentionBytes: 1500 }
  log.removeExpired(NOW + 4900)
  assert.ok(log.startOffset > start)
  assert.ok(log.sizeInBytes >= 1500 && log.sizeInBytes < 2600, `${log.sizeInBytes} bytes are left`)

  log.config = { ...log.config, retentionMs: 1000, retentionBytes: -1 }
  log.removeExpired(NOW + 100_000)
  assert.equal(log.startOffset, 50)
  assert.equal(log.endOffset, 50)
  assert.equal(openLog(directory).log.endOffset, 50)
})

test('removes nothing where the topic is only compacted', (t) => {
  const { log } = openLog(temporaryFolder(t), { isDeleted: false, retentionMs: 1 })
  log.append(recordBatch(['a']), NOW)
  log.removeExpired(NOW + 100_000)
  assert.equal(log.startOffset, 0)
})

test('knows duplicates of the last five batches of a producer, also after a restart and in a new segment', (t) => {
  const directory = temporaryFolder(t)
  const batch = (baseSequence: number) => recordBatch(['a', 'b'], { producerId: 7, producerEpoch: 0, baseSequence })
  let { log } = openLog(directory, { segmentBytes: 200 })
  for (let i = 0; i < 8; i++) log.append(batch(2 * i), NOW)
  for (let round = 0; round < 3; round++) {
    for (let i = 3; i < 8; i++) assert.equal(log.append(batch(2 * i), NOW).baseOffset, 2 * i)
    assert.throws(() => log.append(batch(4), NOW), rejects(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    assert.throws(() => log.append(batch(18), NOW), rejects(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    assert.equal(log.endOffset, 16)
    log = openLog(directory, { segmentBytes: 200, isTrusted: round === 1 }).log
  }
})

test('tells watchers of every append', (t) => {
  const { log } = openLog(temporaryFolder(t))
  let seen = 0
  log.watchers.add({ appended: (bytes) => (seen += bytes), interrupted: () => {} })
  const batch = recordBatch(['a'])
  log.append(batch, NOW)
  assert.equal(seen, batch.length)
})

test('shares one flush among all who ask in a turn', async (t) => {
  const { log } = openLog(temporaryFolder(t), { flushMessages: 2 })
  log.append(recordBatch(['a']), NOW)
  assert.equal(log.isFlushDue, false)
  log.append(recordBatch(['b']), NOW)
  assert.equal(log.isFlushDue, true)
  assert.equal(log.flush(), log.flush())
  await log.flush()
  assert.equal(log.isFlushDue, false)
})

test('readers of committed records leave out exactly the aborted ones, over segments, fetches and restarts', (t) => {
  const random = new Random()
  t.diagnostic(`MILLRACE_SEED=${random.seed}`)
  const directory = temporaryFolder(t)
  const accept = () => {}
  let { log } = openLog(directory, { segmentBytes: 1500 })
  const open = new Map<number, string[]>()
  const sequences = new Map<number, number>()
  const committed = new Set<string>()
  for (let step = 0; step < 600; step++) {
    const producerId = random.integer(0, 3)
    const values = open.get(producerId)
    if (values && random.integer(0, 3) === 0) {
      const isCommit = random.integer(0, 1) === 0
      log.appendMarker({ producerId, producerEpoch: 0, isCommit }, NOW)
      if (isCommit) for (const value of values) committed.add(value)
      open.delete(producerId)
    } else {
      const baseSequence = sequences.get(producerId) ?? 0
      sequences.set(producerId, baseSequence + 1)
      log.append(recordBatch([`v${step}`], { producerId, producerEpoch: 0, baseSequence, isTransactional: true }), NOW, accept)
      open.set(producerId, [...(values ?? []), `v${step}`])
    }
    if (random.integer(0, 49) === 0) ({ log } = openLog(directory, { segmentBytes: 1500, isTrusted: random.integer(0, 1) === 0 }))
  }
  for (const producerId of open.keys()) log.appendMarker({ producerId, producerEpoch: 0, isCommit: false }, NOW)
  ;({ log } = openLog(directory, { segmentBytes: 1500 }))
  assert.equal(log.lastStableOffset, log.endOffset)
  assert.deepEqual(committedRecords(log), committed)
})

/** As a consumer reads them: aborted producers are left out from their first record to their marker. */
function committedRecords(log: PartitionLog): Set<string> {
  const values = new Set<string>()
  const open = new Set<number>()
  for (let offset = 0; offset < log.lastStableOffset; ) {
    const { records, abortedTransactions } = log.readCommitted(offset, 700, true)
    const upcoming = [...abortedTransactions].sort((a, b) => a.firstOffset - b.firstOffset)
    open.clear()
    for (const batch of readBatches(records)) {
      while (upcoming[0] && upcoming[0].firstOffset <= batch.lastOffset) open.add(upcoming.shift()!.producerId)
      if (batch.isControl) open.delete(batch.producerId)
      else if (!open.has(batch.producerId)) for (const { value } of recordsIn([batch.bytes])) values.add(value)
      offset = batch.nextOffset
    }
  }
  return values
}
