import { decodeRecords, type KafkaError, type RecordBatchBuilder, type RecordData, type RecordHeader, readBatches } from '@millrace/kafka-protocol'
import type { Compression } from '../compression.ts'
import type { Logger } from '../logger.ts'
import type { BatchMemory } from './batch-memory.ts'
import type { FlushWaiter } from './flush-waiter.ts'
import type { SendCompletion } from './send-completion.ts'

/** Id, epoch and the first sequence number: by them the broker recognises a batch that it already has. */
export interface BatchStamp {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isTransactional?: boolean
}

export const NO_STAMP: BatchStamp = { producerId: -1, producerEpoch: -1, baseSequence: -1 }

/** Records of one partition that are sent together, and what has to be told when they have ended. */
export class ProducerBatch {
  readonly topic: string
  readonly partition: number
  /** Earlier batches of a partition have lower numbers. */
  readonly order: number
  /** The numbers from `order` up to `order + orderSpan` belong to this batch and, should it be split, to its parts. */
  readonly orderSpan: number
  /** By the client's clock. */
  readonly createdAt: number
  readonly memory: BatchMemory
  /** What the batch takes of `buffer.memory`. */
  bytesAccounted = 0
  attempts = 0
  lastError: KafkaError | null = null
  stamp: BatchStamp | null = null
  flushWaiters: FlushWaiter[] | null = null
  /** As it goes over the wire; null until it is sealed. */
  bytes: Buffer | null = null
  /** Whether somebody wants to know how a record of this batch ends. */
  #hasCompletions = false

  constructor(
    { topic, partition, order, orderSpan = 1, createdAt }: { topic: string; partition: number; order: number; orderSpan?: number; createdAt: number },
    memory: BatchMemory,
  ) {
    this.topic = topic
    this.partition = partition
    this.order = order
    this.orderSpan = orderSpan
    this.createdAt = createdAt
    this.memory = memory
  }

  get builder(): RecordBatchBuilder {
    return this.memory.builder
  }

  get recordCount(): number {
    return this.memory.builder.recordCount
  }

  append(timestamp: number, key: RecordData, value: RecordData, headers: readonly RecordHeader[] | null, completion: SendCompletion | null): number {
    const { builder } = this.memory
    const index = builder.recordCount
    const bytes = headers === null ? builder.append(timestamp, key, value) : builder.append(timestamp, key, value, headers)
    if (completion !== null && !this.#hasCompletions) this.#beginCompletions(index)
    if (this.#hasCompletions) this.memory.note(index, completion, timestamp)
    this.bytesAccounted += bytes
    return bytes
  }

  /** Gives the batch its header, and with it its final bytes. May be done again with another stamp. */
  seal(stamp: BatchStamp, compression: Compression | undefined): Buffer {
    this.stamp = stamp
    this.bytes = this.builder.close(compression ? { ...stamp, compression } : stamp)
    return this.bytes
  }

  /** @param logAppendTime the broker's, where the topic asks for it; otherwise -1. `baseOffset` -1 if the broker has not told it. */
  acknowledge(baseOffset: number, logAppendTime: number, logger: Logger): void {
    if (this.#hasCompletions) {
      const { topic, partition, recordCount } = this
      const { completions, timestamps } = this.memory
      for (let i = 0; i < recordCount; i++) {
        const completion = completions[i]!
        if (completion === null) continue
        try {
          completion.acknowledged(topic, partition, baseOffset < 0 ? -1 : baseOffset + i, logAppendTime < 0 ? timestamps[i]! : logAppendTime)
        } catch (error) {
          logger.error(`The completion of a record of ${topic}-${partition} failed.`, error)
        }
      }
    }
    this.#flushed()
  }

  fail(error: KafkaError, logger: Logger): void {
    const recordCount = this.#hasCompletions ? this.recordCount : 0
    for (let i = 0; i < recordCount; i++) {
      try {
        this.memory.completions[i]?.failed(error)
      } catch (failure) {
        logger.error(`The completion of a record of ${this.topic}-${this.partition} failed.`, failure)
      }
    }
    this.#flushed()
  }

  /**
   * Hands the records out to smaller batches, at least two if there are two records, each of which takes over the completions of its records.
   *
   * @param newMemory called once for each part.
   */
  split(newMemory: () => BatchMemory): ProducerBatch[] {
    const recordsMax = Math.ceil(this.recordCount / 2)
    const bytesMax = this.bytesAccounted / 2
    const parts: ProducerBatch[] = []
    let part: ProducerBatch | null = null
    let index = 0
    for (const batch of readBatches(this.builder.close())) {
      const cursor = decodeRecords(batch)
      while (cursor.next()) {
        const bytes = cursor.keyEnd - cursor.keyStart + cursor.valueEnd - cursor.valueStart
        if (part === null || part.recordCount >= recordsMax || part.bytesAccounted + bytes > bytesMax) {
          part = this.#part(index, newMemory())
          parts.push(part)
        }
        const headers = cursor.headerCount === 0 ? null : cursor.headers()
        part.append(cursor.timestamp, cursor.key(), cursor.value(), headers, this.#hasCompletions ? this.memory.completions[index]! : null)
        index++
      }
    }
    for (const waiter of this.flushWaiters ?? []) {
      waiter.batches += parts.length - 1
      for (const created of parts) (created.flushWaiters ??= []).push(waiter)
    }
    return parts
  }

  #part(firstRecord: number, memory: BatchMemory): ProducerBatch {
    const { topic, partition, createdAt, orderSpan } = this
    const order = this.order + (orderSpan * firstRecord) / this.recordCount
    const part = new ProducerBatch({ topic, partition, order, orderSpan: orderSpan / this.recordCount, createdAt }, memory)
    part.attempts = this.attempts
    part.lastError = this.lastError
    return part
  }

  #beginCompletions(recordsBefore: number): void {
    this.#hasCompletions = true
    for (let i = 0; i < recordsBefore; i++) this.memory.note(i, null, -1)
  }

  #flushed(): void {
    for (const waiter of this.flushWaiters ?? []) {
      if (--waiter.batches === 0) waiter.done()
    }
    this.flushWaiters = null
  }
}
