import { ConnectError, javaClassOf, type Logger, type SerializedData } from '@millrace/api'
import type { TaskId } from '@millrace/rest-api'
import type { ErrorCounters } from './error-counters.ts'
import type { ErrorReporter } from './error-handler.ts'
import { failureOf } from './failure.ts'
import type { StageError } from './stage-error.ts'

/** A message as it was read from Kafka, before anything was made of it. */
export interface ConsumedMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds; -1: none. */
  readonly timestamp: number
  readonly timestampType: 'NoTimestampType' | 'CreateTime' | 'LogAppendTime'
  readonly key: SerializedData
  readonly value: SerializedData
  readonly headers: readonly MessageHeader[]
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
  /** A message has an end: the topic has it, or Kafka refused it for good. As in the original, such a one is logged and left out. */
  readonly ended: (message: ConsumedMessage, isStored: boolean) => void
  readonly logger: Logger
}

const PARTITIONS = 1
const HEADER_PREFIX = '__connect.errors.'

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

  constructor(options: DeadLetterQueueOptions) {
    this.#options = options
  }

  /** Messages that were sent and have no answer yet. */
  get pending(): number {
    return this.#pending
  }

  async report(error: StageError, message: ConsumedMessage): Promise<void> {
    const { topic, producer, counters, hasContextHeaders } = this.#options
    counters.deadLetterRequests++
    const headers = hasContextHeaders ? [...message.headers, ...this.#contextHeaders(error, message)] : message.headers
    const timestamp = message.timestamp === -1 ? Date.now() : message.timestamp
    this.#pending++
    try {
      if (!producer.hasRoom()) await producer.room()
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
    ended(message, failure === null)
    if (failure !== null) {
      counters.deadLetterFailures++
      logger.error(`Could not produce message to dead letter queue. topic=${topic}`, failure)
    }
    if (this.#pending > 0) return
    this.#whenSettled?.resolve()
    this.#whenSettled = null
  }

  /** Added after the message's own; a name that is there already is there twice then. */
  #contextHeaders({ stage, className, cause }: StageError, message: ConsumedMessage): MessageHeader[] {
    const { id } = this.#options
    const { message: text, trace } = failureOf(cause)
    const headers: readonly (readonly [string, string | null])[] = [
      ['topic', message.topic],
      ['partition', String(message.partition)],
      ['offset', String(message.offset)],
      ['connector.name', id.connector],
      ['task.id', String(id.task)],
      ['stage', stage],
      ['class.name', className],
      ['exception.class.name', javaClassOf(cause)],
      ['exception.message', text === '' ? null : text],
      ['exception.stacktrace', trace],
    ]
    return headers.map(([name, value]) => ({ key: HEADER_PREFIX + name, value: value === null ? null : Buffer.from(value) }))
  }
}
