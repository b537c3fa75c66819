import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CompressionType,
  decodeRecords,
  ErrorCode,
  KafkaError,
  kafkaError,
  type ProtocolError,
  RECORD_BATCH_HEADER_BYTES,
  RecordBatchView,
} from '@millrace/kafka-protocol'
import type { BrokerLogger } from '../broker-logger.ts'
import type { BufferPool } from '../buffer-pool.ts'
import type { TopicConfig } from '../config/topic-config.ts'
import type { Faults } from '../faults.ts'
import { replaceFile } from '../broker-meta.ts'
import type { AbortedEntry } from './aborted-index.ts'
import { batchBytesAt, wholeBatches } from './batch-walk.ts'
import { crc32c } from './checksum.ts'
import { decompress } from './decompress.ts'
import { type EpochEnd, LeaderEpochs } from './leader-epochs.ts'
import { COMPACTION_KEYS_MAX } from './compaction.ts'
import { compactSegments, type Pause } from './log-compaction.ts'
import type { OpenFiles } from './open-files.ts'
import { type Marker, markerBatch, OpenTransactions } from './open-transactions.ts'
import { ProducerStates } from './producer-states.ts'
import { Segment, segmentFile } from './segment.ts'

const MAGIC = 2
const OFFSETS_PER_SEGMENT_MAX = 0x7fff_ffff
/** How many readers may continue in the middle of the log without a look at the index. */
const READ_POSITIONS_MAX = 64
/** Where the log begins if records were deleted before an offset within a segment. */
const START_FILE = 'start-offset'
const SEGMENT_FILE = /^(\d{20})\.log$/

export interface PartitionLogOptions {
  readonly directory: string
  readonly topic: string
  readonly partition: number
  readonly config: TopicConfig
  /** The epoch of the leader when the log is opened; see `PartitionLog.leaderEpoch`. */
  readonly leaderEpoch: number
  /** After a clean shutdown of the broker; otherwise the end of the log is verified. */
  readonly isTrusted: boolean
  readonly producerIdExpirationMs: number
  /** How many keys compaction may remember at a time; default 500,000. */
  readonly compactionKeysMax?: number
  readonly files: OpenFiles
  /** Where what is read goes. */
  readonly buffers: BufferPool
  readonly faults: Faults
  readonly logger: BrokerLogger
}

export interface AppendResult {
  /** Offset of the first record; of the earlier copy if the batch was a duplicate. */
  readonly baseOffset: number
  /** -1 unless the topic has `message.timestamp.type=LogAppendTime`. */
  readonly logAppendTime: number
}

const NOTHING = Buffer.alloc(0)

/** Throws a KafkaError unless a transactional batch belongs to a transaction of its producer that takes records of this partition. */
export type TransactionGuard = (batch: { readonly producerId: number; readonly producerEpoch: number }, topic: string, partition: number) => void

const refuseTransactions: TransactionGuard = () => {
  throw kafkaError(ErrorCode.INVALID_TXN_STATE, 'A transactional record batch without a transaction')
}

/** What a log knows of its producers; the part of its state that is more than batches. */
interface ProducerSide {
  readonly producers: ProducerStates
  readonly transactions: OpenTransactions
}

/** A record that was looked for. */
export interface FoundRecord {
  readonly offset: number
  readonly timestamp: number
  /** Of the leader that took it. */
  readonly leaderEpoch: number
}

/** Is told of every append to the logs that it watches; see `PartitionLog.watchers`. */
export interface LogWatcher {
  appended(bytes: number): void
  /** The log is gone, or its leader has changed. */
  interrupted(): void
}

/**
 * The log of one partition: numbered record batches in segments, append-only.
 *
 * Written synchronously: when `append` returns, the batch is in the page cache, where it survives the death of the process, and visible to
 * readers. With `flush.messages` or `flush.ms` it is brought to the disk too; see `flushIfDue`.
 */
export class PartitionLog {
  readonly topic: string
  readonly partition: number
  /** Those who wait for more data. They add and remove themselves. */
  readonly watchers = new Set<LogWatcher>()
  config: TopicConfig
  /** What is appended from now on is of this epoch. */
  leaderEpoch: number
  readonly #options: PartitionLogOptions
  /** By base offset; the last one is written to. Never empty. */
  readonly #segments: Segment[]
  readonly #producers: ProducerStates
  readonly #transactions: OpenTransactions
  readonly #epochs: LeaderEpochs
  /** Where a reader that has read up to an offset will continue; the oldest is forgotten first. */
  readonly #readPositions = new Map<number, { readonly segment: Segment; readonly position: number }>()
  #recordsUnflushed = 0
  #unflushedSince = 0
  #flushing: Promise<void> | undefined
  /** Records before it were deleted on demand. */
  #startOffset: number
  /** Offset up to which everything was compacted since the start. */
  #cleanedTo = 0
  /** When the next tombstone may go. */
  #nextHorizon = Infinity

  private constructor(options: PartitionLogOptions, segments: Segment[], { producers, transactions }: ProducerSide, epochs: LeaderEpochs) {
    this.#options = options
    this.topic = options.topic
    this.partition = options.partition
    this.config = options.config
    this.leaderEpoch = options.leaderEpoch
    this.#epochs = epochs
    this.#segments = segments
    this.#producers = producers
    this.#transactions = transactions
    this.#startOffset = startOffsetIn(options.directory)
  }

  /** Opens the log of a folder, making both if they are not there. What a crash left unfinished at the end is cut off. */
  static open(options: PartitionLogOptions): PartitionLog {
    const { directory, files, buffers, isTrusted, logger } = options
    mkdirSync(directory, { recursive: true })
    const baseOffsets = readdirSync(directory)
      .flatMap((name) => SEGMENT_FILE.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b)
    if (baseOffsets.length === 0) {
      const producerSide = { producers: new ProducerStates(), transactions: new OpenTransactions() }
      return new PartitionLog(options, [Segment.create(directory, 0, { files, buffers })], producerSide, LeaderEpochs.open(directory, undefined))
    }
    const segments = baseOffsets.map((baseOffset) => Segment.open(directory, baseOffset, { files, buffers }))
    const last = segments.at(-1)!
    const producerSide = loadProducers(directory, last.baseOffset)
    const epochs = LeaderEpochs.open(directory, segments.some(({ size }) => size > 0) ? segments[0]!.baseOffset : undefined)
    const cut = last.recover(isTrusted, (batch) => {
      noteBatch(producerSide, last, batch, batch.maxTimestamp)
      epochs.begin(batch.partitionLeaderEpoch, batch.baseOffset)
    })
    epochs.cutAt(last.nextOffset)
    if (cut > 0) {
      logger.warn(`The log "${directory}" ended with ${cut} bytes that are no whole batch, as a crash leaves them; it was cut at offset ${last.nextOffset}.`)
    }
    return new PartitionLog(options, segments, producerSide, epochs)
  }

  /** Offset of the first record that can be read. */
  get startOffset(): number {
    return Math.max(this.#startOffset, this.#segments[0]!.baseOffset)
  }

  /** Offset that the next record gets. As there are no replicas to wait for, it is the high watermark too. */
  get endOffset(): number {
    return this.#active.nextOffset
  }

  /** The leader's epoch of the first record; -1 in a log that never had one. */
  get startEpoch(): number {
    return this.#epochs.epochOf(this.startOffset)
  }

  /** Offset before which every transaction has ended: how far consumers of committed records may read. */
  get lastStableOffset(): number {
    return Math.min(this.#transactions.firstOffset, this.endOffset)
  }

  /** Whether the producer has records here that are neither committed nor aborted. */
  hasOpenTransaction(producerId: number): boolean {
    return this.#transactions.has(producerId)
  }

  /** The producers that are remembered here, with where their open transactions began; -1 without one. */
  activeProducers() {
    return this.#producers.all().map((producer) => ({ ...producer, currentTxnStartOffset: this.#transactions.firstOffsetOf(producer.producerId) ?? -1 }))
  }

  /** @throws KafkaError INVALID_PRODUCER_EPOCH for a producer that a newer one has replaced. */
  requireProducerEpoch(producerId: number, producerEpoch: number): void {
    this.#producers.requireEpoch(producerId, producerEpoch)
  }

  get sizeInBytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, 0)
  }

  /**
   * Appends what a producer sent: numbers the batch in place and writes it.
   *
   * @param records one record batch; changed in place, and not kept.
   * @param now by the broker's clock.
   * @param guard says whether transactional records may come; default: none may.
   * @throws KafkaError with the code that the producer is answered with; the log then is as before.
   */
  append(records: Buffer, now: number, guard: TransactionGuard = refuseTransactions): AppendResult {
    const batch = this.#validBatch(records, now, guard)
    const isLogAppendTime = this.config.timestampType === 'LogAppendTime'
    if (batch.producerId >= 0) {
      const duplicate = this.#producers.check(batch)
      if (duplicate) return { baseOffset: duplicate.baseOffset, logAppendTime: isLogAppendTime ? duplicate.timestamp : -1 }
    }
    const baseOffset = this.endOffset
    batch.assign({ baseOffset, partitionLeaderEpoch: this.leaderEpoch })
    if (isLogAppendTime) batch.assignLogAppendTime(now, crc32c)
    this.#take(batch, now)
    return { baseOffset, logAppendTime: isLogAppendTime ? now : -1 }
  }

  /** Ends the transaction of a producer here, also one that has no records. @throws KafkaError KAFKA_STORAGE_ERROR; the log then is as before. */
  appendMarker(marker: Marker, now: number): void {
    const bytes = markerBatch(marker, now, crc32c)
    const batch = new RecordBatchView(bytes, 0, bytes.length)
    batch.assign({ baseOffset: this.endOffset, partitionLeaderEpoch: this.leaderEpoch })
    this.#take(batch, now)
  }

  /**
   * Reads whole batches from the one that holds an offset on.
   *
   * @param bytesMax at most so many bytes.
   * @param isOneRequired gives one batch even if it is larger: a consumer could not go on otherwise (KIP-74).
   * @returns whole batches in a buffer of the pool; empty at the end of the log, or if not even one batch may be given.
   * @throws KafkaError OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR.
   */
  read(offset: number, bytesMax: number, isOneRequired: boolean): Buffer {
    const { endOffset } = this
    if (offset < this.startOffset || offset > endOffset) throw this.#outOfRange(offset)
    if (offset === endOffset) return NOTHING
    return this.#readBefore(endOffset, offset, bytesMax, isOneRequired)
  }

  /**
   * As `read`, but only up to the last stable offset; with the aborted transactions that the consumer has to leave out.
   *
   * @throws KafkaError as `read`.
   */
  readCommitted(offset: number, bytesMax: number, isOneRequired: boolean): { readonly records: Buffer; readonly abortedTransactions: readonly AbortedEntry[] } {
    const { endOffset, lastStableOffset } = this
    if (offset < this.startOffset || offset > endOffset) throw this.#outOfRange(offset)
    if (offset >= lastStableOffset) return { records: NOTHING, abortedTransactions: [] }
    const records = this.#readBefore(lastStableOffset, offset, bytesMax, isOneRequired)
    if (records.length === 0) return { records, abortedTransactions: [] }
    return { records, abortedTransactions: this.#abortedBetween(offset, wholeBatches(records, records.length).nextOffset) }
  }

  /** Where an epoch of leaders ended; -1 for both if it was never heard of. */
  endOfEpoch(epoch: number): EpochEnd {
    this.#epochs.forgetBefore(this.startOffset)
    return this.#epochs.endOf(epoch, { leaderEpoch: this.leaderEpoch, endOffset: this.endOffset })
  }

  /** How many bytes can be read from an offset on; 0 at the end and beyond the range. */
  bytesFrom(offset: number): number {
    if (offset < this.startOffset || offset >= this.endOffset) return 0
    const { segment, position } = this.#locate(offset)
    let bytes = segment.size - position
    for (let i = this.#segments.length - 1; this.#segments[i] !== segment; i--) bytes += this.#segments[i]!.size
    return bytes
  }

  /** The first record whose timestamp is at least the given one. @throws KafkaError KAFKA_STORAGE_ERROR. */
  firstSince(timestamp: number): FoundRecord | undefined {
    for (const segment of this.#segments) {
      if (segment.index.maxTimestamp < timestamp) continue
      for (let position = segment.positionOfTimestamp(timestamp); position < segment.size; ) {
        const slice = segment.read(position, 0, true)
        if (!slice) break
        const cursor = this.#records(slice.buffer)
        while (cursor.next()) {
          if (cursor.timestamp < timestamp || cursor.offset < this.startOffset) continue
          this.#options.buffers.release(slice.buffer)
          return { offset: cursor.offset, timestamp: cursor.timestamp, leaderEpoch: this.#epochs.epochOf(cursor.offset) }
        }
        // Only where the records that are early enough were deleted.
        position = slice.end
        this.#options.buffers.release(slice.buffer)
      }
    }
    return undefined
  }

  /** The first record that has the highest timestamp of the log (KIP-734); undefined in an empty log. */
  latestByTimestamp(): FoundRecord | undefined {
    const highest = Math.max(...this.#segments.map(({ index }) => index.maxTimestamp))
    return highest < 0 ? undefined : this.firstSince(highest)
  }

  /** Whether `flush.messages` asks that the last appends reach the disk before they are acknowledged. */
  get isFlushDue(): boolean {
    return this.#recordsUnflushed >= this.config.flushMessages
  }

  /**
   * Brings everything that was appended to the disk. All who ask in the same turn of the event loop share one flush.
   *
   * @throws KafkaError KAFKA_STORAGE_ERROR.
   */
  flush(): Promise<void> {
    this.#flushing ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#flushing = undefined
        try {
          this.flushNow()
          resolve()
        } catch (error) {
          reject(this.#storageError('flushed', error))
        }
      })
    })
    return this.#flushing
  }

  /** As `flush`, at once. @throws the system's error. */
  flushNow(): void {
    if (this.#recordsUnflushed === 0) return
    this.#active.flush()
    this.#recordsUnflushed = 0
  }

  /** Called every second or so: flushes by `flush.ms`. @throws the system's error. */
  flushIfDue(now: number): void {
    if (this.#recordsUnflushed > 0 && now - this.#unflushedSince >= this.config.flushMs) this.flushNow()
  }

  /** Called every few minutes: removes the segments that `retention.ms` and `retention.bytes` no longer keep. */
  removeExpired(now: number): void {
    this.#producers.expire(now - this.#options.producerIdExpirationMs)
    const { isDeleted, retentionMs, retentionBytes } = this.config
    if (!isDeleted) return
    const isTooOld = (segment: Segment) => retentionMs >= 0 && segment.size > 0 && now - segment.index.maxTimestamp > retentionMs
    // What has expired in the segment that is written to can only go once that segment is closed.
    if (isTooOld(this.#active)) this.#roll()
    let sizeLeft = this.sizeInBytes
    while (this.#segments.length > 1) {
      const oldest = this.#segments[0]!
      const isTooMuch = retentionBytes >= 0 && sizeLeft - oldest.size >= retentionBytes
      if (!isTooOld(oldest) && !isTooMuch) break
      sizeLeft -= oldest.size
      this.#segments.shift()
      oldest.remove()
      this.#options.logger.debug(`Removed the segment "${oldest.path}" by retention.`)
    }
  }

  /**
   * Called every few seconds, never twice at a time: where `cleanup.policy` says so, leaves only the last record of each key in the closed segments,
   * once `min.cleanable.dirty.ratio` of their bytes have not been compacted, or a tombstone has reached its time.
   *
   * @param pause is awaited after each bounded piece of work.
   * @throws the system's error, KafkaError KAFKA_STORAGE_ERROR; nothing is lost then.
   */
  async compact(now: number, pause: Pause): Promise<void> {
    const { isCompacted, minCleanableDirtyRatio, deleteRetentionMs } = this.config
    if (!isCompacted) return
    const segments = this.#cleanable(now)
    const bytes = segments.reduce((sum, { size }) => sum + size, 0)
    const bytesDirty = segments.reduce((sum, { size, nextOffset }) => (nextOffset > this.#cleanedTo ? sum + size : sum), 0)
    if ((bytesDirty === 0 || bytesDirty / bytes < minCleanableDirtyRatio) && now < this.#nextHorizon) return
    const result = await compactSegments({
      segments,
      dirtyFrom: this.#cleanedTo,
      keysMax: this.#options.compactionKeysMax ?? COMPACTION_KEYS_MAX,
      abortedBetween: (start, end) => this.#abortedBetween(start, end),
      now,
      deleteRetentionMs,
      buffers: this.#options.buffers,
      pause,
      replace: (segment, path, size) => this.#replace(segment, path, size),
    })
    if (!result) return
    this.#cleanedTo = result.cleanedTo
    this.#nextHorizon = result.nextHorizon
  }

  /**
   * Deletes the records before an offset; durable on return. Their segments go as far as nothing else is in them.
   *
   * @param offset -1 deletes all.
   * @returns where the log begins now.
   * @throws KafkaError OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR.
   */
  deleteBefore(offset: number): number {
    const start = offset === -1 ? this.endOffset : offset
    if (start < 0 || start > this.endOffset) throw this.#outOfRange(start)
    if (start <= this.startOffset) return this.startOffset
    try {
      replaceFile(join(this.#options.directory, START_FILE), String(start))
      this.#startOffset = start
      while (this.#segments.length > 1 && this.#segments[1]!.baseOffset <= start) this.#segments.shift()!.remove()
    } catch (error) {
      throw this.#storageError('shortened', error)
    }
    return start
  }

  /** Deletes the log with its folder. */
  remove(): void {
    for (const segment of this.#segments) segment.remove()
    rmSync(this.#options.directory, { recursive: true, force: true })
    this.interruptWatchers()
  }

  /** Lets all who wait look again. */
  interruptWatchers(): void {
    for (const watcher of [...this.watchers]) watcher.interrupted()
  }

  /** The segments that may be compacted: closed, before the last stable offset, and older than `min.compaction.lag.ms`. */
  #cleanable(now: number): Segment[] {
    // The end of the log stays as it is, so that there is always a record for who reads towards it.
    if (this.#active.size === 0) return []
    const { lastStableOffset } = this
    const { minCompactionLagMs } = this.config
    const closed = this.#segments.slice(0, -1)
    const firstKept = closed.findIndex(
      ({ nextOffset, index }) => nextOffset > lastStableOffset || (minCompactionLagMs > 0 && index.maxTimestamp > now - minCompactionLagMs),
    )
    return firstKept === -1 ? closed : closed.slice(0, firstKept)
  }

  #replace(segment: Segment, path: string, size: number): void {
    this.#readPositions.clear()
    segment.replace(path, size)
    // The first one stays, even without records: it says where the log begins.
    if (size > 0 || segment === this.#segments[0]) return
    this.#segments.splice(this.#segments.indexOf(segment), 1)
    segment.remove()
  }

  #readBefore(offsetEnd: number, offset: number, bytesMax: number, isOneRequired: boolean): Buffer {
    try {
      const { segment, position } = this.#locate(offset)
      const slice = segment.read(position, bytesMax, isOneRequired)
      if (!slice) return NOTHING
      if (slice.nextOffset <= offsetEnd) {
        this.#noteReadPosition(slice.nextOffset, segment, slice.end)
        return slice.buffer
      }
      const { bytes, nextOffset } = wholeBatches(slice.buffer, slice.buffer.length, offsetEnd)
      if (bytes > 0) this.#noteReadPosition(nextOffset, segment, position + bytes)
      if (bytes > 0) return slice.buffer.subarray(0, bytes)
      this.#options.buffers.release(slice.buffer)
      return NOTHING
    } catch (error) {
      throw this.#storageError('read', error)
    }
  }

  #abortedBetween(start: number, end: number): AbortedEntry[] {
    const found: AbortedEntry[] = []
    try {
      for (let at = this.#segmentAt(start); at < this.#segments.length; at++) {
        if (!this.#segments[at]!.aborted.collect(start, end, found)) break
      }
    } catch (error) {
      throw this.#storageError('read', error)
    }
    return found
  }

  /** Writes a batch that is numbered, and notes all that follows from it. */
  #take(batch: RecordBatchView, now: number): void {
    this.#write(batch, now)
    noteBatch({ producers: this.#producers, transactions: this.#transactions }, this.#active, batch, now)
    this.#noteUnflushed(batch.recordCount, now)
    for (const watcher of this.watchers) watcher.appended(batch.sizeInBytes)
  }

  get #active(): Segment {
    return this.#segments[this.#segments.length - 1]!
  }

  #validBatch(records: Buffer, now: number, guard: TransactionGuard): RecordBatchView {
    if (records.length < RECORD_BATCH_HEADER_BYTES) throw kafkaError(ErrorCode.CORRUPT_MESSAGE, `A batch of ${records.length} bytes`)
    const bytes = batchBytesAt(records, 0)
    if (bytes < RECORD_BATCH_HEADER_BYTES || bytes > records.length) {
      throw kafkaError(ErrorCode.CORRUPT_MESSAGE, `A batch that says to have ${bytes} bytes in ${records.length}`)
    }
    if (bytes < records.length) throw kafkaError(ErrorCode.INVALID_RECORD, 'More than one record batch for a partition')
    const batch = new RecordBatchView(records, 0, bytes)
    if (batch.magic !== MAGIC) throw kafkaError(ErrorCode.INVALID_RECORD, `A record batch of format ${batch.magic}`)
    if (!batch.isValid(crc32c)) throw kafkaError(ErrorCode.CORRUPT_MESSAGE, 'A record batch with a wrong checksum')
    const { maxMessageBytes, timestampType, timestampAfterMaxMs, timestampBeforeMaxMs, isCompacted } = this.config
    if (bytes > maxMessageBytes) {
      throw kafkaError(ErrorCode.MESSAGE_TOO_LARGE, `A record batch of ${bytes} bytes, where max.message.bytes is ${maxMessageBytes}`)
    }
    const { recordCount, baseOffset, lastOffset } = batch
    if (recordCount < 1 || lastOffset - baseOffset !== recordCount - 1) {
      throw kafkaError(ErrorCode.INVALID_RECORD, `A record batch of ${recordCount} records with offsets from ${baseOffset} to ${lastOffset}`)
    }
    if (batch.isControl) throw kafkaError(ErrorCode.INVALID_RECORD, 'A transaction marker from a client')
    if (batch.isTransactional) guard(batch, this.topic, this.partition)
    else if (this.#transactions.has(batch.producerId)) {
      throw kafkaError(ErrorCode.INVALID_TXN_STATE, `A batch without a transaction of producer ${batch.producerId}, which has begun one here`)
    }
    if (batch.producerId >= 0 && (batch.baseSequence < 0 || batch.producerEpoch < 0)) {
      throw kafkaError(ErrorCode.INVALID_RECORD, `Sequence ${batch.baseSequence} of producer ${batch.producerId}`)
    }
    if (timestampType === 'CreateTime') {
      const { maxTimestamp } = batch
      if (maxTimestamp - now > timestampAfterMaxMs || (maxTimestamp >= 0 && now - maxTimestamp > timestampBeforeMaxMs)) {
        throw kafkaError(ErrorCode.INVALID_TIMESTAMP, `Timestamp ${maxTimestamp}, which is too far from the broker's clock`)
      }
    }
    if (isCompacted) this.#requireKeys(batch)
    return batch
  }

  #requireKeys(batch: RecordBatchView): void {
    try {
      const cursor = decodeRecords(batch, decompress)
      while (cursor.next()) {
        if (cursor.keyEnd < 0) {
          throw kafkaError(ErrorCode.INVALID_RECORD, `Compacted topic cannot accept message without key in topic partition ${this.topic}-${this.partition}`)
        }
      }
    } catch (error) {
      if (error instanceof KafkaError) throw error
      throw kafkaError(ErrorCode.INVALID_RECORD, (error as ProtocolError).message)
    }
  }

  #write(batch: RecordBatchView, now: number): void {
    const fault = this.#options.faults.ofDisk(this.topic)
    try {
      if (this.#isRollDue(batch, now)) this.#roll()
      this.#epochs.begin(this.leaderEpoch, batch.baseOffset)
      this.#active.append(batch, fault && { code: fault.error, bytesWritten: fault.bytesWritten ?? 0 })
    } catch (error) {
      this.#options.logger.error(`Records of topic "${this.topic}", partition ${this.partition}, cannot be written: ${(error as Error).message}`)
      throw this.#storageError('written', error)
    }
  }

  #isRollDue(batch: RecordBatchView, now: number): boolean {
    const { size, baseOffset, index } = this.#active
    if (size === 0) return false
    const { segmentBytes, segmentMs } = this.config
    if (size + batch.sizeInBytes > segmentBytes || batch.lastOffset - baseOffset > OFFSETS_PER_SEGMENT_MAX) return true
    // Counted in the records' own time, as in Kafka, so that segments span equal times when old data are loaded.
    const { maxTimestamp } = batch
    return (maxTimestamp >= 0 ? maxTimestamp : now) - index.firstTimestamp > segmentMs
  }

  /** Begins a new segment. */
  #roll(): void {
    const { directory, files, buffers, logger } = this.#options
    const closed = this.#active
    const baseOffset = closed.nextOffset
    // Whoever waits for the flush of these records must not be told too early.
    if (this.config.flushMessages < Number.MAX_SAFE_INTEGER) this.flushNow()
    closed.saveAborted()
    this.#saveProducers(segmentFile(directory, baseOffset, 'producers'))
    this.#segments.push(Segment.create(directory, baseOffset, { files, buffers }))
    this.#recordsUnflushed = 0
    closed.close().catch((error: unknown) => {
      // A removed segment needs no flush; for any other, the records are as safe as all that is in the page cache.
      if (!closed.isRemoved) logger.warn(`The segment "${closed.path}" could not be brought to the disk: ${(error as Error).message}`)
    })
  }

  #saveProducers(path: string): void {
    const content = JSON.stringify({ producers: this.#producers, transactions: this.#transactions })
    // Without the open transactions their records would look committed, so these have to be on the disk.
    if (this.#transactions.isEmpty) writeFileSync(path, content)
    else replaceFile(path, content)
  }

  #noteUnflushed(records: number, now: number): void {
    if (this.#recordsUnflushed === 0) this.#unflushedSince = now
    this.#recordsUnflushed += records
  }

  /** Where the batch stands that holds an offset within the log. */
  #locate(offset: number): { readonly segment: Segment; readonly position: number } {
    const known = this.#readPositions.get(offset)
    if (known && !known.segment.isRemoved && known.position < known.segment.size) return known
    for (let at = this.#segmentAt(offset); at < this.#segments.length; at++) {
      const segment = this.#segments[at]!
      const position = segment.positionOf(offset)
      if (position < segment.size) return { segment, position }
    }
    throw new Error(`Offset ${offset} is in no segment.`)
  }

  #segmentAt(offset: number): number {
    let at = this.#segments.length - 1
    while (at > 0 && this.#segments[at]!.baseOffset > offset) at--
    return at
  }

  #noteReadPosition(offset: number, segment: Segment, position: number): void {
    this.#readPositions.delete(offset)
    this.#readPositions.set(offset, { segment, position })
    if (this.#readPositions.size > READ_POSITIONS_MAX) this.#readPositions.delete(this.#readPositions.keys().next().value!)
  }

  #records(buffer: Buffer) {
    const batch = new RecordBatchView(buffer, 0, batchBytesAt(buffer, 0))
    return decodeRecords(batch, batch.compression === CompressionType.none ? undefined : decompress)
  }

  #outOfRange(offset: number): KafkaError {
    return kafkaError(
      ErrorCode.OFFSET_OUT_OF_RANGE,
      `Offset ${offset} of ${this.topic}-${this.partition}, which holds ${this.startOffset} to ${this.endOffset}`,
    )
  }

  #storageError(verb: string, cause: unknown): KafkaError {
    const error = kafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `${this.topic}-${this.partition} could not be ${verb}`)
    error.cause = cause
    return error
  }
}

/** 0 if nothing was deleted on demand. @throws for a file that is no offset. */
function startOffsetIn(directory: string): number {
  const path = join(directory, START_FILE)
  if (!existsSync(path)) return 0
  const offset = Number(readFileSync(path, 'utf8'))
  if (!Number.isSafeInteger(offset)) throw new Error(`The file "${path}" holds no offset.`)
  return offset
}

function noteBatch({ producers, transactions }: ProducerSide, segment: Segment, batch: RecordBatchView, seenAt: number): void {
  producers.note(batch, seenAt)
  const aborted = transactions.note(batch)
  if (aborted) segment.aborted.add(aborted)
}

function loadProducers(directory: string, baseOffset: number): ProducerSide {
  try {
    const data = JSON.parse(readFileSync(segmentFile(directory, baseOffset, 'producers'), 'utf8')) as
      | readonly unknown[]
      | { readonly producers: unknown; readonly transactions: readonly [number, number][] }
    // Until there were transactions, the file held the producers alone.
    if (!('producers' in data)) return { producers: ProducerStates.fromJSON(data), transactions: new OpenTransactions() }
    return { producers: ProducerStates.fromJSON(data.producers), transactions: new OpenTransactions(data.transactions) }
  } catch {
    // There is none beside the first segment. One that was not written whole costs duplicates only if a producer repeats a batch
    // of the segment before, across the crash.
    return { producers: new ProducerStates(), transactions: new OpenTransactions() }
  }
}
