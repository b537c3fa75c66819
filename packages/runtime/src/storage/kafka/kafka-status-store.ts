import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@millrace/api'
import { isKafkaError } from '@millrace/kafka'
import type { TaskId } from '@millrace/rest-api'
import { isSuperseded, MemoryStatusStore } from '../memory/memory-status-store.ts'
import type { ConnectorStatus, StatusStore, TaskStatus, TopicStatus } from '../status-store.ts'
import { KafkaBasedLog, type LogRecord } from './kafka-based-log.ts'
import type { KafkaStoreOptions } from './kafka-config-store.ts'
import {
  connectorStatusKey,
  parseStatus,
  parseTaskStatus,
  parseTopicStatus,
  type StatusSubject,
  statusSubject,
  statusText,
  taskStatusKey,
  topicStatusKey,
  topicStatusText,
} from './status-topic-records.ts'
import { within } from './within.ts'

/** What this worker writes under one key: at most one write under way, and the newest state that waits for its turn. */
interface OwnWrites {
  /** What is to stand in the topic in the end; null for a tombstone. */
  wanted: string | null
  /** The last record of another worker that was read meanwhile. */
  other: LogRecord | null
}

const RETRY_DELAY_MS = 500
const FLUSH_TIMEOUT_MS = 3_000

/**
 * States in a topic that all workers of a cluster share (`org.apache.kafka.connect.storage.KafkaStatusBackingStore`), in its format.
 *
 * What this worker writes shows at once. Until its write is acknowledged, records of the same key are held back; then the later of the two counts. So a
 * state never falls back to an older one that is read late. Of several states that wait while Kafka cannot be reached, only the newest is written.
 */
export class KafkaStatusStore implements StatusStore {
  readonly #log: KafkaBasedLog
  readonly #logger: Logger
  readonly #topic: string
  readonly #table = new MemoryStatusStore()
  readonly #writes = new Map<string, OwnWrites>()
  /** Of the last own record of each key: what was read before it is older. */
  readonly #writtenOffsets = new Map<string, number>()
  readonly #writing = new Set<Promise<void>>()
  readonly #stopped = new AbortController()

  /** Connects to nothing yet. @throws KafkaError where a setting of a client is wrong. */
  constructor(options: KafkaStoreOptions) {
    this.#topic = options.topic.name
    this.#logger = options.logger
    this.#log = new KafkaBasedLog({ ...options, read: (record) => this.#read(record) })
  }

  start(): Promise<void> {
    return this.#log.start()
  }

  /** What was put last has a few seconds to be written. */
  async stop(): Promise<void> {
    await within(FLUSH_TIMEOUT_MS, Promise.all(this.#writing), '').catch(() =>
      this.#logger.warn(`The last states of connectors and tasks could not be written to ${this.#topic}`),
    )
    this.#stopped.abort()
    await this.#log.stop()
    await Promise.all(this.#writing)
  }

  putConnector(connector: string, status: ConnectorStatus): void {
    this.#table.putConnector(connector, status)
    this.#write(connectorStatusKey(connector), statusText(status))
  }

  putTask(id: TaskId, status: TaskStatus): void {
    this.#table.putTask(id, status)
    this.#write(taskStatusKey(id), statusText(status))
  }

  putConnectorSafe(connector: string, status: ConnectorStatus): void {
    if (!isSuperseded(status, this.connector(connector))) this.putConnector(connector, status)
  }

  putTaskSafe(id: TaskId, status: TaskStatus): void {
    if (!isSuperseded(status, this.task(id))) this.putTask(id, status)
  }

  deleteConnector(connector: string): void {
    this.#table.deleteConnector(connector)
    this.#write(connectorStatusKey(connector), null)
  }

  deleteTask(id: TaskId): void {
    this.#table.deleteTask(id)
    this.#write(taskStatusKey(id), null)
  }

  connector(connector: string): ConnectorStatus | null {
    return this.#table.connector(connector)
  }

  task(id: TaskId): TaskStatus | null {
    return this.#table.task(id)
  }

  tasks(connector: string): readonly (TaskStatus & { readonly id: TaskId })[] {
    return this.#table.tasks(connector)
  }

  connectors(): readonly string[] {
    return this.#table.connectors()
  }

  putTopic(status: TopicStatus): void {
    this.#table.putTopic(status)
    this.#write(topicStatusKey(status.topic, status.connector), topicStatusText(status))
  }

  topics(connector: string): readonly TopicStatus[] {
    return this.#table.topics(connector)
  }

  deleteTopics(connector: string): void {
    for (const { topic } of this.topics(connector)) this.#write(topicStatusKey(topic, connector), null)
    this.#table.deleteTopics(connector)
  }

  #write(key: string, text: string | null): void {
    const own = this.#writes.get(key)
    if (own) {
      own.wanted = text
      return
    }
    const writing = this.#writeUntilWritten(key, { wanted: text, other: null }).finally(() => this.#writing.delete(writing))
    this.#writing.add(writing)
  }

  /** Never rejects. */
  async #writeUntilWritten(key: string, own: OwnWrites): Promise<void> {
    this.#writes.set(key, own)
    let offset = -1
    for (let written: string | null | undefined; own.wanted !== written; ) {
      const text = own.wanted
      try {
        const [position] = await this.#log.append([{ key, value: text }])
        offset = position?.offset ?? -1
        written = text
      } catch (error) {
        if (this.#stopped.signal.aborted) break
        if (!isKafkaError(error) || !error.retriable) {
          this.#logger.error(`Failed to write status update "${key}" to ${this.#topic}`, error)
          written = text
        } else {
          this.#logger.debug(`The status update "${key}" is written again: ${error.message}`)
          await delay(RETRY_DELAY_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
          // Whoever has the task by now knows better.
          if (own.other !== null) break
        }
      }
    }
    this.#writes.delete(key)
    if (offset >= 0) this.#writtenOffsets.set(key, offset)
    if (own.other !== null && (own.other.offset > offset || this.#outranks(key, own.other))) this.#apply(key, own.other)
    else if (own.wanted === null) this.#writtenOffsets.delete(key)
  }

  #read(record: LogRecord): void {
    const key = record.key?.toString() ?? ''
    const own = this.#writes.get(key)
    if (own) own.other = { ...record, value: record.value && Buffer.from(record.value) }
    else if (record.offset >= (this.#writtenOffsets.get(key) ?? -1) || this.#outranks(key, record)) this.#apply(key, record)
  }

  #apply(key: string, { value }: LogRecord): void {
    const subject = statusSubject(key)
    if (subject === null) this.#logger.warn(`Discarding record with invalid key ${key}`)
    else if (value === null) {
      this.#writtenOffsets.delete(key)
      this.#forget(subject)
    } else if (!this.#take(subject, value)) this.#logger.warn(`Failed to parse status with key ${key}`)
  }

  #forget(subject: StatusSubject): void {
    switch (subject.kind) {
      case 'connector':
        return this.#forgetConnector(subject.connector)
      case 'task':
        return this.#table.deleteTask(subject.id)
      case 'topic':
        return this.#table.deleteTopic(subject.connector, subject.topic)
    }
  }

  /** The tasks of a connector go with it. Those of a later one of the same name may have been read before: partitions have no common order. */
  #forgetConnector(connector: string): void {
    const generation = this.connector(connector)?.generation ?? -1
    for (const task of this.tasks(connector)) if (task.generation <= generation && !this.#writes.has(taskStatusKey(task.id))) this.#table.deleteTask(task.id)
    this.#table.deleteConnector(connector)
  }

  /** @returns false where the value cannot be understood. */
  #take(subject: StatusSubject, value: Buffer): boolean {
    switch (subject.kind) {
      case 'connector': {
        const status = parseStatus(value)
        if (status !== null && !isLate(status, this.connector(subject.connector))) this.#table.putConnector(subject.connector, status)
        return status !== null
      }
      case 'task': {
        const status = parseTaskStatus(value)
        if (status !== null && !isLate(status, this.task(subject.id))) this.#table.putTask(subject.id, status)
        return status !== null
      }
      case 'topic': {
        const status = parseTopicStatus(value)
        if (status !== null) this.#table.putTopic(status)
        return status !== null
      }
    }
  }

  /** Whether what another worker wrote earlier counts although this worker's own record comes after it; all who read both come to the same. */
  #outranks(key: string, { value }: LogRecord): boolean {
    const subject = statusSubject(key)
    if (value === null || subject === null || subject.kind === 'topic') return false
    const own = subject.kind === 'connector' ? this.connector(subject.connector) : this.task(subject.id)
    const other = subject.kind === 'connector' ? parseStatus(value) : parseTaskStatus(value)
    return own !== null && other !== null && isLate(own, other)
  }
}

/** A worker that gives something up may say so after its next owner has started it. The original looks at tasks alone, and not at who says so. */
function isLate({ state, generation, workerId }: ConnectorStatus | TaskStatus, known: ConnectorStatus | TaskStatus | null): boolean {
  return state === 'UNASSIGNED' && known?.state === 'RUNNING' && known.workerId !== workerId && known.generation >= generation
}
