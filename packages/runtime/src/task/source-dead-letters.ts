import { ConnectError, Decimal, type MaybePromise, type SourceRecord } from '@millrace/api'
import type { ConsumedMessage, DeadLetterQueue, MessageHeader } from '../errors/dead-letter-queue.ts'
import type { StageError } from '../errors/stage-error.ts'
import type { SubmittedRecord } from './submitted-records.ts'

/** Longer keys and values are left out of a dead letter: it has to fit where the record may not have. Bytes. */
const TEXT_BYTES_MAX = 512 * 1024

/** Headers of ours, since a source has no coordinates in Kafka; and what was left out. */
const NOTES = 'millrace.errors.source.'

/**
 * Records of a source that failed, on their way into a dead-letter topic (`millrace.errors.source.deadletterqueue.enable`). They are tracked like records that
 * are sent: the offset of one is committed only when the topic has it.
 */
export class SourceDeadLetters {
  readonly #failed: (error: Error) => void
  readonly #submitted = new WeakMap<ConsumedMessage, SubmittedRecord>()
  #queue: DeadLetterQueue | null = null

  /** @param failed ends the task: a dead letter was refused, and its offset is never committed. */
  constructor(failed: (error: Error) => void) {
    this.#failed = failed
  }

  /** Once, before the first record; the queue tells `ended`. */
  use(queue: DeadLetterQueue): void {
    this.#queue = queue
  }

  /** @param record as the source gave it. @param submitted ends when the topic has its dead letter. Returns a promise only where there is no room. */
  send(error: StageError, record: SourceRecord, submitted: SubmittedRecord): MaybePromise<void> {
    const message = sourceDeadLetter(record)
    this.#submitted.set(message, submitted)
    return this.#queue?.report(error, message)
  }

  /** Told by the queue. */
  ended(message: ConsumedMessage, failure: Error | null): void {
    if (failure === null) this.#submitted.get(message)?.deadLettered()
    else this.#failed(new ConnectError(`The dead letter of a record for topic "${message.topic}" was refused by Kafka`, { cause: failure }))
  }

  async settled(): Promise<void> {
    await this.#queue?.settled()
  }

  async close(timeoutMs: number): Promise<void> {
    await this.#queue?.close(timeoutMs)
  }
}

/** A record as its source gave it, readable whatever became of it: texts and bytes as they are, anything else as JSON. */
export function sourceDeadLetter(record: SourceRecord): ConsumedMessage {
  const notes: MessageHeader[] = [
    { key: `${NOTES}partition`, value: Buffer.from(jsonOf(record.sourcePartition)) },
    { key: `${NOTES}offset`, value: Buffer.from(jsonOf(record.sourceOffset)) },
  ]
  const headers = Array.from(record.headers ?? [], ({ key, value }) => ({ key, value: fitting(`header ${key}`, value, notes) }))
  return {
    topic: record.topic,
    partition: -1,
    offset: -1,
    timestamp: record.timestamp ?? -1,
    timestampType: 'CreateTime',
    key: fitting('key', record.key, notes),
    value: fitting('value', record.value, notes),
    headers,
    notes,
  }
}

function fitting(what: string, value: unknown, notes: MessageHeader[]): Uint8Array | null {
  const bytes = bytesOf(value)
  if (bytes === null || bytes.length <= TEXT_BYTES_MAX) return bytes
  notes.push({ key: `${NOTES}omitted`, value: Buffer.from(`${what}: ${bytes.length} bytes`) })
  return null
}

function bytesOf(value: unknown): Uint8Array | null {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return value
  return Buffer.from(typeof value === 'string' ? value : jsonOf(value))
}

/** Never throws: what has no JSON is told as text. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(plain(value, 0)) ?? String(value)
  } catch {
    return String(value)
  }
}

const DEPTH_MAX = 100

/** What `JSON.stringify` makes readable text of. */
function plain(value: unknown, depth: number): unknown {
  if (depth > DEPTH_MAX) return '…'
  if (typeof value === 'bigint' || value instanceof Decimal) return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (Array.isArray(value)) return value.map((each) => plain(each, depth + 1))
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return Object.fromEntries(entries.map(([key, each]) => [typeof key === 'string' ? key : jsonOf(key), plain(each, depth + 1)]))
}
