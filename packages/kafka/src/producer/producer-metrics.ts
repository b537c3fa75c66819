import type { ClientMetrics, Measured } from '../metrics/client-metrics.ts'
import { type MetricGroup, Spread } from '../metrics/metric-group.ts'
import type { ProducerBatch } from './producer-batch.ts'

/** What a producer has done since it was made; every number only grows but `bytesBuffered`. */
export interface ProducerMetrics {
  /** Records that the broker acknowledged. */
  readonly recordsAcknowledged: number
  /** Records that were sent, retries included. */
  readonly recordsSent: number
  /** Records that failed for good. */
  readonly recordsFailed: number
  /** Records that were sent again, each time. */
  readonly recordsRetried: number
  /** Record batches sent, retries included. */
  readonly batchesSent: number
  /** Batches that were too large for the broker and were split. */
  readonly batchesSplit: number
  /** Bytes of record batches sent, after compression. */
  readonly bytesSent: number
  /** Bytes of records that are not acknowledged yet. */
  readonly bytesBuffered: number
  readonly requests: number
  readonly requestsFailed: number
}

/** Calls that may take long, and what Java calls the time that they have taken. */
const timedCalls = {
  flush: 'flush',
  metadata: 'metadata-wait',
  room: 'bufferpool-wait',
  init: 'txn-init',
  sendOffsets: 'txn-send-offsets',
  commit: 'txn-commit',
  abort: 'txn-abort',
} as const

export type TimedProducerCall = keyof typeof timedCalls

const NS_PER_MS = 1e6

/** What one topic has been sent. */
class TopicMetrics implements Measured {
  records = 0
  bytes = 0
  retried = 0
  failed = 0
  readonly compression = new Spread()

  constructor(group: MetricGroup) {
    group
      .meter('record-send', () => this.records)
      .meter('byte', () => this.bytes)
      .meter('record-retry', () => this.retried)
      .meter('record-error', () => this.failed)
      .gauge('compression-rate', () => this.compression.average)
  }

  get activity(): number {
    return this.records + this.failed
  }
}

/** Counts what a producer does, by batches and requests. */
export class ProducerRecorder implements ProducerMetrics {
  recordsAcknowledged = 0
  recordsSent = 0
  recordsFailed = 0
  recordsRetried = 0
  batchesSent = 0
  batchesSplit = 0
  bytesSent = 0
  bytesBuffered = 0
  requests = 0
  requestsFailed = 0
  /** Calls of `send` that were refused because `buffer.memory` was taken. */
  timesExhausted = 0
  readonly throttleMs = new Spread()
  readonly #queueMs = new Spread()
  readonly #batchBytes = new Spread()
  readonly #recordBytes = new Spread()
  readonly #recordsPerRequest = new Spread()
  readonly #compression = new Spread()
  readonly #produceMs = new Spread()
  readonly #timesMs: Record<TimedProducerCall, number> = { flush: 0, metadata: 0, room: 0, init: 0, sendOffsets: 0, commit: 0, abort: 0 }
  readonly #client: ClientMetrics
  #inFlight = 0

  /** @param options what `buffer.memory` allows, in bytes; how old the metadata are, in milliseconds; how many callers wait for memory. */
  constructor(
    client: ClientMetrics,
    { bufferBytesMax, metadataAgeMs, waiting }: { readonly bufferBytesMax: number; metadataAgeMs(): number; waiting(): number },
  ) {
    this.#client = client
    const group = client.group()
    group
      .meter('record-send', () => this.recordsSent)
      .meter('record-error', () => this.recordsFailed)
      .meter('record-retry', () => this.recordsRetried)
      .meter('batch-split', () => this.batchesSplit)
      .meter('buffer-exhausted', () => this.timesExhausted)
      .gauge('buffer-total-bytes', () => bufferBytesMax)
      .gauge('buffer-available-bytes', () => Math.max(0, bufferBytesMax - this.bytesBuffered))
      .gauge('waiting-threads', waiting)
      .gauge('requests-in-flight', () => this.#inFlight)
      .gauge('metadata-age', () => metadataAgeMs() / 1000)
      .spread('batch-size', this.#batchBytes)
      .spread('record-size', this.#recordBytes)
      .spread('record-queue-time', this.#queueMs)
      .spread('records-per-request', this.#recordsPerRequest, ['avg'])
      .spread('compression-rate', this.#compression, ['avg'])
      .spread('request-latency', this.#produceMs)
      .spread('produce-throttle-time', this.throttleMs)
    for (const [call, name] of Object.entries(timedCalls)) group.gauge(`${name}-time-ns-total`, () => this.#timesMs[call as TimedProducerCall] * NS_PER_MS)
  }

  /** A request goes out. @param now by the client's clock. */
  sending(batches: Iterable<ProducerBatch>, now: number): void {
    this.requests++
    this.#inFlight++
    let records = 0
    for (const batch of batches) {
      const { recordCount } = batch
      const bytes = batch.bytes!.length
      const topic = this.#topic(batch.topic)
      const compression = bytes / (batch.bytesAccounted || bytes)
      records += recordCount
      this.batchesSent++
      this.bytesSent += bytes
      this.#batchBytes.record(bytes)
      this.#recordBytes.record(batch.bytesAccounted / recordCount)
      this.#queueMs.record(now - batch.createdAt)
      this.#compression.record(compression)
      topic.records += recordCount
      topic.bytes += bytes
      topic.compression.record(compression)
      if (batch.attempts > 1) {
        this.recordsRetried += recordCount
        topic.retried += recordCount
      }
    }
    this.recordsSent += records
    this.#recordsPerRequest.record(records)
  }

  /** The request has been answered, or has failed. */
  ended(latencyMs: number): void {
    this.#inFlight--
    this.#produceMs.record(latencyMs)
  }

  failed(topic: string, records: number): void {
    this.recordsFailed += records
    this.#topic(topic).failed += records
  }

  /** Measures a call of the producer. */
  async timed<T>(call: TimedProducerCall, now: () => number, action: () => Promise<T>): Promise<T> {
    const begun = now()
    try {
      return await action()
    } finally {
      this.#timesMs[call] += now() - begun
    }
  }

  #topic(topic: string): TopicMetrics {
    return this.#client.child('topic-metrics', { topic }, (group) => new TopicMetrics(group))
  }
}
