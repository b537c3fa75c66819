import { ConnectError, javaClassOf, type Logger, type SerializedData } from '@millrace/api'
import type { TaskId } from '@millrace/rest-api'
import type { ErrorCounters } from './error-counters.ts'
import type { ErrorReporter } from './error-handler.ts'
import { messageOf, traceOf } from './failure.ts'
import type { StageError } from './stage-error.ts'

/** A message as it was read from Kafka, before anything was made of it; or what stands for a record of a source (`sourceDeadLetter`). */
export interface ConsumedMessage {
  readonly topic: string
  /** -1 for records of sources, as is the offset. */
  readonly partition: number
  readonly offset: number
  /** Milliseconds; -1: none. */
  readonly timestamp: number
  readonly timestampType: 'NoTimestampType' | 'CreateTime' | 'LogAppendTime'
  readonly key: SerializedData
  readonly value: SerializedData
  readonly headers: readonly MessageHeader[]
  /** Headers of ours, behind all others: whether context headers are wanted or not. */
  readonly notes?: readonly MessageHeader[]
}

export interface MessageHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

/** What the queue needs of the Kafka producer. */
export interface DeadLetterProducer {
  hasRoom(): boolean
  room(): Promise<void>
  send(
    topic: string,
    partition: number | null,
    timestamp: number,
    key: SerializedData,
    value: SerializedData,
    headers: readonly MessageHeader[] | null,
    completion: DeadLetterCompletion,
  ): void
  close(options: { readonly timeoutMs: number }): Promise<void>
}

export interface DeadLetterCompletion {
  acknowledged(): void
  failed(error: Error): void
}

/** What the queue needs of the Kafka admin client. */
export interface DeadLetterAdmin {
  topicExists(topic: string): Promise<boolean>
  createTopic(topic: { name: string; partitions: number; replicationFactor: number; configs: Readonly<Record<string, string>> }): Promise<boolean>
  close(): Promise<void>
}

export interface DeadLetterQueueOptions {
  readonly id: TaskId
  readonly topic: string
  /** `errors.deadletterqueue.context.headers.enable`. */
  readonly hasContextHeaders: boolean
  readonly producer: DeadLetterProducer
  readonly counters: ErrorCounters
  /** A message has an end: the topic has it, or Kafka refused it for good (`failure`). */
  readonly ended: (message: ConsumedMessage, failure: Error | null) => void
  /** Takes secrets out of what headers tell of the error. */
  readonly mask: (text: string) => string
  readonly logger: Logger
}

const PARTITIONS = 1
const HEADER_PREFIX = '__connect.errors.'
/** Texts that are the same for very many dead letters are encoded once; beyond this many, and longer ones, each time. */
const ENCODED_MAX = 256
const ENCODED_LENGTH_MAX = 256

/** Makes the topic where it is not there. The admin client is closed. @throws ConnectError */
export async function createDeadLetterTopic(admin: DeadLetterAdmin, topic: string, replicationFactor: number, logger: Logger): Promise<void> {
  try {
    if (await admin.topicExists(topic)) return
    logger.error(`Topic ${topic} doesn't exist. Will attempt to create topic.`)
    await admin.createTopic({ name: topic, partitions: PARTITIONS, replicationFactor, configs: {} })
  } catch (cause) {
    throw new ConnectError(`Could not initialize dead letter queue with topic=${topic}`, { cause })
  } finally {
    await admin.close()
  }
}

/**
 * Puts messages that a sink cannot make anything of into a topic, as they were read, with the reason in headers (`DeadLetterQueueReporter`). They are sent at
 * once; offsets of the records may be committed when `pending` is 0.
 */
export class DeadLetterQueue implements ErrorReporter<ConsumedMessage> {
  readonly #options: DeadLetterQueueOptions
  #pending = 0
  #whenSettled: PromiseWithResolvers<void> | null = null
  readonly #encoded = new Map<string, Uint8Array>()

  constructor(options: DeadLetterQueueOptions) {
    this.#options = options
  }

  /** Messages that were sent and have no answer yet. */
  get pending(): number {
    return this.#pending
  }

  /** Returns a promise only where the producer has no room. */
  report(error: StageError, message: ConsumedMessage): void | Promise<void> {
    const { producer, counters } = this.#options
    counters.deadLetterRequests++
    this.#pending++
    const headers = this.#headers(error, message)
    if (!producer.hasRoom()) return this.#sendLater(message, headers)
    this.#send(message, headers)
  }

  async #sendLater(message: ConsumedMessage, headers: readonly MessageHeader[]): Promise<void> {
    try {
      await this.#options.producer.room()
    } catch (failure) {
      this.#ended(message, failure as Error)
      return
    }
    this.#send(message, headers)
  }

  #send(message: ConsumedMessage, headers: readonly MessageHeader[]): void {
    const { topic, producer } = this.#options
    const timestamp = message.timestamp === -1 ? Date.now() : message.timestamp
    try {
      producer.send(topic, null, timestamp, message.key, message.value, headers.length === 0 ? null : headers, {
        acknowledged: () => this.#ended(message, null),
        failed: (failure) => this.#ended(message, failure),
      })
    } catch (failure) {
      this.#ended(message, failure as Error)
    }
  }

  /** Resolves when every message that was sent has an answer. */
  settled(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve()
    this.#whenSettled ??= Promise.withResolvers()
    return this.#whenSettled.promise
  }

  close(timeoutMs: number): Promise<void> {
    return this.#options.producer.close({ timeoutMs })
  }

  #ended(message: ConsumedMessage, failure: Error | null): void {
    const { topic, counters, ended, logger } = this.#options
    this.#pending--
    ended(message, failure)
    if (failure !== null) {
      counters.deadLetterFailures++
      logger.error(`Could not produce message to dead letter queue. topic=${topic}`, failure)
    }
    if (this.#pending > 0) return
    this.#whenSettled?.resolve()
    this.#whenSettled = null
  }

  #headers(error: StageError, message: ConsumedMessage): readonly MessageHeader[] {
    const { headers, notes = [] } = message
    if (this.#options.hasContextHeaders) return [...headers, ...this.#contextHeaders(error, message), ...notes]
    return notes.length === 0 ? headers : [...headers, ...notes]
  }

  /** Added after the message's own; a name that is there already is there twice then. */
  #contextHeaders({ stage, className, cause, hasTrace }: StageError, { topic, partition, offset }: ConsumedMessage): readonly MessageHeader[] {
    const { id, mask } = this.#options
    const text = mask(messageOf(cause))
    return [
      { key: `${HEADER_PREFIX}topic`, value: this.#bytesOf(topic) },
      ...(partition === -1
        ? []
        : [
            { key: `${HEADER_PREFIX}partition`, value: this.#bytesOf(String(partition)) },
            { key: `${HEADER_PREFIX}offset`, value: Buffer.from(String(offset), 'latin1') },
          ]),
      { key: `${HEADER_PREFIX}connector.name`, value: this.#bytesOf(id.connector) },
      { key: `${HEADER_PREFIX}task.id`, value: this.#bytesOf(String(id.task)) },
      { key: `${HEADER_PREFIX}stage`, value: this.#bytesOf(stage) },
      { key: `${HEADER_PREFIX}class.name`, value: this.#bytesOf(className) },
      { key: `${HEADER_PREFIX}exception.class.name`, value: this.#bytesOf(javaClassOf(cause)) },
      { key: `${HEADER_PREFIX}exception.message`, value: text === '' ? null : this.#bytesOf(text) },
      { key: `${HEADER_PREFIX}exception.stacktrace`, value: Buffer.from(mask(traceOf(cause, hasTrace))) },
    ]
  }

  #bytesOf(text: string): Uint8Array {
    if (text.length > ENCODED_LENGTH_MAX) return Buffer.from(text)
    let bytes = this.#encoded.get(text)
    if (bytes === undefined) {
      bytes = Buffer.from(text)
      if (this.#encoded.size < ENCODED_MAX) this.#encoded.set(text, bytes)
    }
    return bytes
  }
}
