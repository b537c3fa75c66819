import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ErrorCode, kafkaError } from '@millrace/kafka-protocol'
import { type BrokerMeta, newUuid, type TopicMeta } from './broker-meta.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { type TopicConfig, type TopicOverrides, topicConfig } from './config/topic-config.ts'
import type { BrokerLogger } from './broker-logger.ts'
import type { Faults } from './faults.ts'
import { OpenFiles } from './log/open-files.ts'
import { PartitionLog } from './log/partition-log.ts'
import { truncateLog } from './log/truncate-log.ts'
import type { LeaderFault, PartitionLeaders } from './partition-leaders.ts'

const TOPIC_NAME = /^[a-zA-Z0-9._-]+$/
const TOPIC_NAME_LENGTH_MAX = 249
const PARTITIONS_MAX = 10_000
const REMOVED_SUFFIX = '.removed'
const ID_FILE = 'partition.metadata'

/** A topic and its partitions. */
export interface Topic {
  readonly name: string
  readonly id: string
  readonly partitionCount: number
  /** Settings that are the topic's own, as they were given. */
  readonly overrides: TopicOverrides
  readonly config: TopicConfig
  /** Partitions that have been used since the start; others are opened by `Topics.log`. */
  readonly logs: Map<number, PartitionLog>
}

export interface TopicsOptions {
  readonly dataDir: string
  readonly meta: BrokerMeta
  readonly config: BrokerConfig
  readonly leaders: PartitionLeaders
  readonly buffers: BufferPool
  readonly faults: Faults
  readonly logger: BrokerLogger
  /** Whether the broker was shut down cleanly last time. */
  readonly isTrusted: boolean
}

/** The topics of the broker, by name and by id, with their logs on disk. */
export class Topics {
  readonly #options: TopicsOptions
  /** The folder of all logs. */
  readonly dataDir: string
  readonly #files = new OpenFiles()
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()
  #isClosed = false
  #isCompacting = false
  readonly #removedListeners: ((topic: string) => void)[] = []

  constructor(options: TopicsOptions) {
    this.#options = options
    this.dataDir = options.dataDir
    for (const meta of options.meta.topics.values()) this.#add(meta)
    this.#removeLeftovers()
  }

  get(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  getById(id: string): Topic | undefined {
    return this.#byId.get(id)
  }

  /** In the order of their creation. */
  all(): Iterable<Topic> {
    return this.#byName.values()
  }

  /** Told after a topic was deleted, so that what belongs to it goes too. */
  onRemoved(listener: (topic: string) => void): void {
    this.#removedListeners.push(listener)
  }

  /**
   * The log of a partition, opened on first use.
   *
   * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION; KAFKA_STORAGE_ERROR if it cannot be opened.
   */
  log(topic: Topic, partition: number): PartitionLog {
    const open = topic.logs.get(partition)
    if (open) return open
    if (!Number.isInteger(partition) || partition < 0 || partition >= topic.partitionCount) {
      throw kafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Partition ${partition} of topic "${topic.name}"`)
    }
    try {
      const log = this.#open(topic, partition)
      topic.logs.set(partition, log)
      return log
    } catch (cause) {
      this.#options.logger.error(`Partition ${partition} of topic "${topic.name}" cannot be opened: ${(cause as Error).message}`)
      const error = kafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `Partition ${partition} of topic "${topic.name}"`)
      error.cause = cause
      throw error
    }
  }

  /**
   * Creates a topic; it is durable on return.
   *
   * @param isValidatedOnly checks everything and creates nothing.
   * @throws KafkaError INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_CONFIG, KAFKA_STORAGE_ERROR.
   */
  create(request: { readonly name: string; readonly partitionCount: number; readonly overrides: TopicOverrides }, isValidatedOnly = false): TopicMeta {
    const { name, partitionCount, overrides } = request
    this.#requireNewName(name)
    if (partitionCount < 1) throw withMessage(ErrorCode.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.')
    if (partitionCount > PARTITIONS_MAX) {
      throw withMessage(ErrorCode.INVALID_PARTITIONS, `Excessively large number of partitions per request: ${partitionCount}, at most ${PARTITIONS_MAX}.`)
    }
    topicConfig(overrides, this.#options.config.topicDefaults)
    const meta: TopicMeta = { name, id: newUuid(), partitionCount, overrides }
    if (isValidatedOnly) return meta
    this.#persist(name, () => this.#options.meta.putTopic(meta))
    this.#add(meta)
    this.#options.logger.info(`Created topic "${name}" with ${partitionCount} partitions.`)
    return meta
  }

  /**
   * Raises the number of partitions; durable on return.
   *
   * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS, KAFKA_STORAGE_ERROR.
   */
  addPartitions(name: string, partitionCount: number, isValidatedOnly = false): void {
    const topic = this.#known(name)
    const { partitionCount: before } = topic
    if (partitionCount < before) {
      throw withMessage(ErrorCode.INVALID_PARTITIONS, `The topic ${name} currently has ${before} partition(s); ${partitionCount} would not be an increase.`)
    }
    if (partitionCount === before) throw withMessage(ErrorCode.INVALID_PARTITIONS, `Topic already has ${before} partition(s).`)
    if (partitionCount > PARTITIONS_MAX) {
      throw withMessage(ErrorCode.INVALID_PARTITIONS, `Excessively large number of partitions per request: ${partitionCount}, at most ${PARTITIONS_MAX}.`)
    }
    if (!isValidatedOnly) this.#replace({ ...topic, partitionCount })
  }

  /**
   * Gives a topic other settings of its own, from now on; durable on return.
   *
   * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG, KAFKA_STORAGE_ERROR.
   */
  alterConfig(name: string, overrides: TopicOverrides, isValidatedOnly = false): void {
    const topic = this.#known(name)
    const config = topicConfig(overrides, this.#options.config.topicDefaults)
    if (isValidatedOnly) return
    this.#replace({ ...topic, overrides, config })
    for (const log of topic.logs.values()) log.config = config
  }

  /**
   * Pretends a change of leaders, for tests.
   *
   * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR; the system's error.
   */
  changeLeader({ topic: name, partition, awayMs, truncateTo }: LeaderFault): void {
    const topic = this.#known(name)
    const partitions = partition === undefined ? Array.from({ length: topic.partitionCount }, (_, index) => index) : [partition]
    for (const index of partitions) {
      const log = this.log(topic, index)
      log.leaderEpoch = this.#options.leaders.change(topic.id, index, awayMs)
      if (truncateTo !== undefined && truncateTo < log.endOffset) this.#truncate(topic, log, truncateTo)
      log.interruptWatchers()
    }
  }

  /** Deletes a topic with its records. @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR. */
  remove(name: string): void {
    const topic = this.#known(name)
    this.#persist(name, () => this.#options.meta.removeTopic(name))
    this.#byName.delete(name)
    this.#byId.delete(topic.id)
    // From here on a crash leaves folders that belong to no topic; the next start removes them by their id.
    for (const log of topic.logs.values()) log.remove()
    for (let partition = 0; partition < topic.partitionCount; partition++) {
      rmSync(this.#directory(name, partition), { recursive: true, force: true })
    }
    for (const listener of this.#removedListeners) listener(name)
    this.#options.logger.info(`Deleted topic "${name}".`)
  }

  /** Called every second or so. */
  flushIfDue(now: number): void {
    for (const topic of this.#byName.values()) {
      for (const [partition, log] of topic.logs) this.#attempt('flushed', topic, partition, () => log.flushIfDue(now))
    }
  }

  /** Called every few minutes; goes through all logs, a turn of the event loop for each. Never rejects. */
  async removeExpired(now: number): Promise<void> {
    for (const topic of [...this.#byName.values()]) {
      for (let partition = 0; partition < topic.partitionCount; partition++) {
        await new Promise((resolve) => setImmediate(resolve))
        if (this.#isClosed || this.#byName.get(topic.name) !== topic) break
        this.#attempt('cleaned', topic, partition, () => this.log(topic, partition).removeExpired(now))
      }
    }
  }

  /** Called every few seconds; goes through all compacted logs in small pieces. Never rejects; a call during the work of another does nothing. */
  async compact(now: number): Promise<void> {
    if (this.#isCompacting) return
    this.#isCompacting = true
    try {
      for (const topic of [...this.#byName.values()]) {
        if (!topic.config.isCompacted) continue
        for (let partition = 0; partition < topic.partitionCount; partition++) await this.#compactLog(topic, partition, now)
      }
    } finally {
      this.#isCompacting = false
    }
  }

  /** Brings all records to the disk and closes the files. @throws the first error, after trying everything. */
  close(): void {
    this.#isClosed = true
    let failure: unknown
    for (const topic of this.#byName.values()) {
      for (const log of topic.logs.values()) {
        try {
          log.flushNow()
        } catch (error) {
          failure ??= error
        }
      }
    }
    this.#files.closeAll()
    if (failure) throw failure
  }

  /** The log is closed, cut, and opened again when it is next used. */
  #truncate(topic: Topic, log: PartitionLog, offset: number): void {
    log.flushNow()
    topic.logs.delete(log.partition)
    const directory = this.#directory(topic.name, log.partition)
    truncateLog(directory, offset, this.#files)
  }

  #known(name: string): Topic {
    const topic = this.#byName.get(name)
    if (!topic) throw kafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return topic
  }

  /** The open logs stay those of the topic. */
  #replace(topic: Topic): void {
    const { name, id, partitionCount, overrides } = topic
    this.#persist(name, () => this.#options.meta.putTopic({ name, id, partitionCount, overrides }))
    this.#byName.set(name, topic)
    this.#byId.set(id, topic)
  }

  async #compactLog(topic: Topic, partition: number, now: number): Promise<void> {
    const pause = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return !this.#isClosed && this.#byName.get(topic.name) === topic
    }
    try {
      if (await pause()) await this.log(topic, partition).compact(now, pause)
    } catch (error) {
      this.#options.logger.warn(`Partition ${partition} of topic "${topic.name}" could not be compacted: ${(error as Error).message}`)
    }
  }

  #add(meta: TopicMeta): void {
    const topic: Topic = { ...meta, config: topicConfig(meta.overrides, this.#options.config.topicDefaults), logs: new Map() }
    this.#byName.set(topic.name, topic)
    this.#byId.set(topic.id, topic)
  }

  #open(topic: Topic, partition: number): PartitionLog {
    const directory = this.#directory(topic.name, partition)
    const { isTrusted, faults, logger, config, buffers } = this.#options
    mkdirSync(directory, { recursive: true })
    const idFile = join(directory, ID_FILE)
    const id = topicIdIn(directory)
    if (id !== undefined && id !== topic.id) throw new Error(`The folder "${directory}" belongs to another topic, with id "${id}".`)
    if (id === undefined) writeFileSync(idFile, `version: 0\ntopic_id: ${topic.id}\n`)
    return PartitionLog.open({
      directory,
      topic: topic.name,
      partition,
      config: topic.config,
      leaderEpoch: this.#options.leaders.epochOf(topic.id, partition),
      isTrusted,
      producerIdExpirationMs: config.producerIdExpirationMs,
      files: this.#files,
      buffers,
      faults,
      logger,
    })
  }

  #directory(topic: string, partition: number): string {
    return join(this.#options.dataDir, `${topic}-${partition}`)
  }

  #requireNewName(name: string): void {
    const reason = topicNameError(name)
    if (reason) throw withMessage(ErrorCode.INVALID_TOPIC_EXCEPTION, reason)
    if (this.#byName.has(name)) throw withMessage(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
    // Metrics of Kafka write both as the same character.
    if (!/[._]/.test(name)) return
    const colliding = [...this.#byName.keys()].find((other) => other.replaceAll('.', '_') === name.replaceAll('.', '_'))
    if (colliding) throw withMessage(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${colliding}`)
  }

  #persist(name: string, save: () => void): void {
    try {
      save()
    } catch (cause) {
      this.#options.logger.error(`The change of topic "${name}" cannot be written: ${(cause as Error).message}`)
      const error = kafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
      error.cause = cause
      throw error
    }
  }

  #attempt(verb: string, { name }: Topic, partition: number, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#options.logger.warn(`Partition ${partition} of topic "${name}" could not be ${verb}: ${(error as Error).message}`)
    }
  }

  /** Removes folders of topics that were deleted just before a crash. Folders that are not recognised are left alone. */
  #removeLeftovers(): void {
    const { dataDir, logger } = this.#options
    for (const entry of readdirSync(dataDir, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue
      const directory = join(dataDir, entry.name)
      const id = topicIdIn(directory)
      if (id === undefined || this.#byId.has(id)) continue
      const moved = entry.name.endsWith(REMOVED_SUFFIX) ? directory : `${directory}.${id}${REMOVED_SUFFIX}`
      try {
        // Moved first, so that a topic of the same name can be created even if this takes a second crash.
        if (moved !== directory) renameSync(directory, moved)
        rmSync(moved, { recursive: true, force: true })
        logger.info(`Removed the folder "${directory}" of a topic that was deleted.`)
      } catch (error) {
        logger.warn(`The folder "${directory}" of a deleted topic cannot be removed: ${(error as Error).message}`)
      }
    }
  }
}

/** Why a topic cannot have a name, in Kafka's words; undefined if it can. */
export function topicNameError(name: string): string | undefined {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed'
  if (name === '.' || name === '..') return `Topic name is invalid: '${name}' is not allowed`
  if (name.length > TOPIC_NAME_LENGTH_MAX) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${TOPIC_NAME_LENGTH_MAX}`
  }
  if (!TOPIC_NAME.test(name)) {
    return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  }
  return undefined
}

function topicIdIn(directory: string): string | undefined {
  try {
    return /^topic_id: (\S+)$/m.exec(readFileSync(join(directory, ID_FILE), 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

function withMessage(code: number, message: string): Error {
  const error = kafkaError(code)
  error.message = message
  return error
}
