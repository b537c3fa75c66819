import { ErrorCode, KafkaError, kafkaError } from '@millrace/kafka-protocol'
import type { BrokerLogger } from '../broker-logger.ts'
import type { BrokerMeta } from '../broker-meta.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Faults } from '../faults.ts'
import type { GroupCoordinator } from '../groups/group-coordinator.ts'
import type { OffsetEntry } from '../groups/group-journal.ts'
import { Journal } from '../journal.ts'
import type { TransactionGuard } from '../log/partition-log.ts'
import type { Topics } from '../topics.ts'
import { isPrepared, type PreparedState, type ProducerIdentity, partitionName, partitionOf, type Transaction, withGroup, withOffsets } from './transaction.ts'

/** An epoch is a 16-bit number; one is kept free for fencing. */
const EPOCH_MAX = 0x7ffe

export interface TransactionCoordinatorOptions {
  readonly dataDir: string
  readonly config: BrokerConfig
  readonly meta: BrokerMeta
  readonly topics: Topics
  readonly groups: GroupCoordinator
  readonly faults: Faults
  readonly logger: BrokerLogger
  readonly clock: () => number
}

/** One line of the journal. */
type JournalEntry = { readonly kind: 'transaction'; readonly transaction: Transaction } | { readonly kind: 'removed'; readonly transactionalId: string }

interface Entry {
  readonly transaction: Transaction
  /** As in the transaction, for looking up. */
  readonly partitions: ReadonlySet<string>
}

/**
 * All transactional ids (KIP-98), durable in `transactions.journal`. A transaction ends in three steps: the decision is stored, the markers and the
 * offsets are written, the end is stored. What a crash leaves behind after the first step is finished at the next start.
 *
 * Clients of `transaction.version` 0 and 1 add each partition before they write to it, and keep their epoch from one transaction to the next. For those of
 * version 2 (KIP-890) a partition is added with its first records, and each transaction has an epoch of its own.
 */
export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions
  readonly #entries = new Map<string, Entry>()
  readonly #byProducerId = new Map<number, Entry>()
  readonly #journal: Journal<JournalEntry>

  private constructor(options: TransactionCoordinatorOptions) {
    this.#options = options
    const { dataDir, config, faults, logger } = options
    const flushEntries = config.flushMessages
    this.#journal = Journal.open({ dataDir, file: 'transactions.journal', faultTopic: '__transaction_state', flushEntries, faults, logger }, (entry) => {
      if (entry.kind === 'transaction') this.#put(entry.transaction)
      else this.#forget(entry.transactionalId)
    })
    this.#finishPrepared()
  }

  /** Restores what the journal holds, and finishes transactions whose end had been decided. @throws the system's error. */
  static open(options: TransactionCoordinatorOptions): TransactionCoordinator {
    return new TransactionCoordinator(options)
  }

  /** Lets records of running transactions into the logs. */
  readonly guard: TransactionGuard = ({ producerId, producerEpoch }, topic, partition) => {
    const entry = this.#byProducerId.get(producerId)
    if (entry && entry.transaction.producerEpoch !== producerEpoch) {
      throw kafkaError(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `Producer ${producerId} of "${entry.transaction.transactionalId}" has epoch ${producerEpoch}, but epoch ${entry.transaction.producerEpoch} is the current one`,
      )
    }
    if (entry?.transaction.state !== 'Ongoing' || !entry.partitions.has(partitionName(topic, partition))) {
      throw kafkaError(ErrorCode.INVALID_TXN_STATE, `Producer ${producerId} has no transaction with partition ${topic}-${partition}`)
    }
  }

  /** Lets records of transactions into the logs, and begins the transaction or adds the partition to it where that has not been done (KIP-890). */
  readonly guardAdding: TransactionGuard = (batch, topic, partition) => {
    const { producerId, producerEpoch } = batch
    const entry = this.#byProducerId.get(producerId)
    const name = partitionName(topic, partition)
    if (entry && entry.transaction.producerEpoch === producerEpoch && !(entry.transaction.state === 'Ongoing' && entry.partitions.has(name))) {
      try {
        this.addPartitions({ transactionalId: entry.transaction.transactionalId, producerId, producerEpoch }, [name])
      } catch (error) {
        // As Kafka answers a producer whose partition cannot be added at the moment: it sends again.
        if (error instanceof KafkaError && error.retriable) throw kafkaError(ErrorCode.NOT_ENOUGH_REPLICAS, error.message)
        throw error
      }
    }
    this.guard(batch, topic, partition)
  }

  /**
   * Gives the producer of a transactional id its producer id and epoch. Earlier producers of it are fenced, and what they left open is aborted.
   *
   * @param request with the present producer id and epoch of a producer that goes on (KIP-360); -1 for a new one.
   * @throws KafkaError INVALID_REQUEST, INVALID_TRANSACTION_TIMEOUT, PRODUCER_FENCED, CONCURRENT_TRANSACTIONS, COORDINATOR_NOT_AVAILABLE.
   */
  initProducer(request: ProducerIdentity & { readonly timeoutMs: number }): { readonly producerId: number; readonly producerEpoch: number } {
    const { transactionalId, timeoutMs } = request
    if (transactionalId === '') throw kafkaError(ErrorCode.INVALID_REQUEST, 'An empty transactional id')
    if (timeoutMs <= 0 || timeoutMs > this.#options.config.transactionMaxTimeoutMs) {
      throw kafkaError(
        ErrorCode.INVALID_TRANSACTION_TIMEOUT,
        `${timeoutMs} ms, where transaction.max.timeout.ms is ${this.#options.config.transactionMaxTimeoutMs}`,
      )
    }
    const known = this.#entries.get(transactionalId)?.transaction
    const next = known ? this.#successor(known, request) : { producerId: this.#newProducerId(), producerEpoch: 0, lastProducerEpoch: -1 }
    this.#store({ transactionalId, ...next, timeoutMs, state: 'Empty', startedAt: -1, updatedAt: this.#options.clock(), partitions: [], groups: [] })
    return next
  }

  /** Begins a transaction with partitions, or adds them to it. The caller has checked that they exist. @throws KafkaError. */
  addPartitions(producer: ProducerIdentity, partitions: readonly string[]): void {
    const transaction = this.#begun(producer)
    const all = new Set([...transaction.partitions, ...partitions])
    if (transaction.state === 'Ongoing' && all.size === transaction.partitions.length) return
    this.#store({ ...transaction, state: 'Ongoing', updatedAt: this.#options.clock(), partitions: [...all] })
  }

  /** Begins a transaction with the offsets of a group, or adds the group to it. @throws KafkaError. */
  addGroup(producer: ProducerIdentity, groupId: string): void {
    const transaction = this.#begun(producer)
    const next = withGroup(transaction, groupId)
    if (transaction.state === 'Ongoing' && next === transaction) return
    this.#store({ ...next, state: 'Ongoing', updatedAt: this.#options.clock() })
  }

  /** Keeps offsets until the transaction is committed. The caller has checked the group. @throws KafkaError. */
  addOffsets(producer: ProducerIdentity, groupId: string, offsets: readonly OffsetEntry[]): void {
    const transaction = this.#owned(producer)
    if (transaction.state !== 'Ongoing' || !transaction.groups.some(([known]) => known === groupId)) {
      throw kafkaError(ErrorCode.INVALID_TXN_STATE, `The transaction of "${producer.transactionalId}" has not been told of group "${groupId}"`)
    }
    this.#store({ ...withOffsets(transaction, groupId, offsets), updatedAt: this.#options.clock() })
  }

  /**
   * Commits or aborts. Asking again for what was done succeeds again.
   *
   * @throws KafkaError INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, INVALID_TXN_STATE, CONCURRENT_TRANSACTIONS, COORDINATOR_NOT_AVAILABLE.
   */
  end(producer: ProducerIdentity, isCommit: boolean): void {
    const transaction = this.#settled(this.#owned(producer))
    if (transaction.state === 'Ongoing') {
      this.#decide(transaction, isCommit ? 'PrepareCommit' : 'PrepareAbort')
    } else if (transaction.state !== (isCommit ? 'CompleteCommit' : 'CompleteAbort')) {
      throw kafkaError(ErrorCode.INVALID_TXN_STATE, `The transaction of "${producer.transactionalId}" is in state ${transaction.state}`)
    }
  }

  /**
   * As `end`, but with another epoch for the next transaction, so that nothing that comes late can become a part of it (KIP-890). What has not begun
   * can be aborted too: the client may not know.
   *
   * @returns producer id and epoch of the next transaction.
   * @throws KafkaError as `end`.
   */
  endEpoch(producer: ProducerIdentity, isCommit: boolean): { readonly producerId: number; readonly producerEpoch: number } {
    const known = this.#entries.get(producer.transactionalId)?.transaction
    const ended = known && isEndRepeated(known, producer) ? this.#settled(known) : this.#endedEpoch(this.#settled(this.#owned(producer)), isCommit)
    if (ended.state !== (isCommit ? 'CompleteCommit' : 'CompleteAbort')) {
      throw kafkaError(ErrorCode.INVALID_TXN_STATE, `The transaction of "${producer.transactionalId}" is in state ${ended.state}`)
    }
    return ended
  }

  /** The partitions of a group, by name, whose committed offsets a running transaction may change. */
  pendingOffsets(groupId: string): ReadonlySet<string> {
    const names = new Set<string>()
    for (const { transaction } of this.#entries.values()) {
      for (const [id, offsets] of transaction.groups) {
        if (id === groupId) for (const [topic, partition] of offsets) names.add(partitionName(topic, partition))
      }
    }
    return names
  }

  get(transactionalId: string): Transaction | undefined {
    return this.#entries.get(transactionalId)?.transaction
  }

  all(): Transaction[] {
    return [...this.#entries.values()].map(({ transaction }) => transaction)
  }

  /** Called every few seconds: aborts transactions whose time is over, fencing their producers, and forgets ids that nobody has used for long. */
  expire(now: number): void {
    const { config, logger } = this.#options
    for (const { transaction } of [...this.#entries.values()]) {
      const { transactionalId, state, startedAt, updatedAt, timeoutMs } = transaction
      try {
        if (state === 'Ongoing') {
          if (now - startedAt < timeoutMs) continue
          logger.info(`The transaction of "${transactionalId}" is aborted: it has run for ${now - startedAt} ms, and its time-out is ${timeoutMs} ms.`)
          this.#abortAndFence(transaction)
        } else if (!isPrepared(transaction) && now - updatedAt >= config.transactionalIdExpirationMs) {
          this.#append({ kind: 'removed', transactionalId })
          this.#forget(transactionalId)
        }
      } catch (error) {
        logger.warn(`The transactional id "${transactionalId}" could not be cleaned up: ${(error as Error).message}`)
      }
    }
    this.#finishPrepared()
  }

  close(): void {
    try {
      this.#journal.close()
    } catch (error) {
      this.#options.logger.warn(`The state of the transactions could not be brought to the disk: ${(error as Error).message}`)
    }
  }

  /** Producer id and epoch for the next producer of a transactional id. */
  #successor(known: Transaction, { producerId, producerEpoch }: ProducerIdentity) {
    const isNew = producerId < 0
    const isCurrent = producerId === known.producerId && producerEpoch === known.producerEpoch
    const isRepeated = producerId === known.producerId && producerEpoch >= 0 && producerEpoch === known.lastProducerEpoch
    if (!isNew && !isCurrent && !isRepeated) {
      throw kafkaError(ErrorCode.PRODUCER_FENCED, `Producer ${producerId} with epoch ${producerEpoch} is not the last one of "${known.transactionalId}"`)
    }
    const settled = this.#settled(known)
    const { producerEpoch: epoch, lastProducerEpoch } = settled.state === 'Ongoing' ? this.#abortAndFence(settled) : settled
    if (isRepeated) return { producerId, producerEpoch: epoch, lastProducerEpoch }
    if (epoch >= EPOCH_MAX) return { producerId: this.#newProducerId(), producerEpoch: 0, lastProducerEpoch: -1 }
    return { producerId: known.producerId, producerEpoch: epoch + 1, lastProducerEpoch: isNew ? -1 : producerEpoch }
  }

  #newProducerId(): number {
    try {
      return this.#options.meta.nextProducerId()
    } catch (error) {
      throw this.#notStored(error)
    }
  }

  /** @throws KafkaError unless the producer is the last one of its transactional id. */
  #owned({ transactionalId, producerId, producerEpoch }: ProducerIdentity): Transaction {
    const known = this.#entries.get(transactionalId)?.transaction
    if (!known || known.producerId !== producerId) throw kafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING, `Producer ${producerId} for "${transactionalId}"`)
    if (known.producerEpoch !== producerEpoch) {
      throw kafkaError(ErrorCode.PRODUCER_FENCED, `Epoch ${producerEpoch} of "${transactionalId}", whose epoch is ${known.producerEpoch}`)
    }
    return known
  }

  /** The running transaction of a producer, or the beginning of its next one, not stored yet. */
  #begun(producer: ProducerIdentity): Transaction {
    const transaction = this.#settled(this.#owned(producer))
    return transaction.state === 'Ongoing' ? transaction : { ...transaction, startedAt: this.#options.clock(), partitions: [], groups: [] }
  }

  /** A transaction whose end was decided is brought to it first. @throws KafkaError CONCURRENT_TRANSACTIONS if that cannot be done. */
  #settled(transaction: Transaction): Transaction {
    return isPrepared(transaction) ? this.#finish(transaction, true) : transaction
  }

  /** The records of a producer that is gone, or has waited too long; it can do nothing more afterwards. */
  #abortAndFence(transaction: Transaction): Transaction {
    const producerEpoch = transaction.producerEpoch + 1
    return this.#decide({ ...transaction, producerEpoch, lastProducerEpoch: -1 }, 'PrepareAbort')
  }

  #endedEpoch(transaction: Transaction, isCommit: boolean): Transaction {
    const { state, producerEpoch } = transaction
    if (state !== 'Ongoing' && isCommit) return transaction
    const running = state === 'Ongoing' ? transaction : { ...transaction, partitions: [], groups: [] }
    const nextProducerId = producerEpoch >= EPOCH_MAX ? { nextProducerId: this.#newProducerId() } : {}
    const next = { ...running, producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch, ...nextProducerId }
    return this.#decide(next, isCommit ? 'PrepareCommit' : 'PrepareAbort')
  }

  #decide(transaction: Transaction, state: PreparedState): Transaction {
    const prepared = { ...transaction, state, updatedAt: this.#options.clock() }
    this.#store(prepared)
    return this.#finish(prepared, false)
  }

  /**
   * Writes the markers, then the offsets, then the end.
   *
   * @param isRepeated an earlier attempt may have written some of the markers.
   */
  #finish(transaction: Transaction & { readonly state: PreparedState }, isRepeated: boolean): Transaction {
    const { transactionalId, partitions, groups, state } = transaction
    const isCommit = state === 'PrepareCommit'
    try {
      for (const name of partitions) this.#writeMarker(transaction, name, isCommit, isRepeated)
      for (const [groupId, offsets] of groups) if (isCommit && offsets.length > 0) this.#options.groups.commit(groupId, offsets)
    } catch (error) {
      this.#options.logger.error(`The transaction of "${transactionalId}" cannot be ended yet: ${(error as Error).message}`)
      throw kafkaError(ErrorCode.CONCURRENT_TRANSACTIONS, `The transaction of "${transactionalId}" is being ended`)
    }
    const { nextProducerId, ...same } = transaction
    const ended: Transaction = {
      ...same,
      ...(nextProducerId !== undefined && { producerId: nextProducerId, producerEpoch: 0, lastProducerEpoch: -1, previousProducerId: same.producerId }),
      state: isCommit ? 'CompleteCommit' : 'CompleteAbort',
      updatedAt: this.#options.clock(),
      startedAt: -1,
      partitions: [],
      groups: [],
    }
    this.#store(ended)
    return ended
  }

  #writeMarker({ producerId, producerEpoch }: Transaction, name: string, isCommit: boolean, isRepeated: boolean): void {
    const { topics, clock } = this.#options
    const { topic: topicName, partition } = partitionOf(name)
    const topic = topics.get(topicName)
    // A topic that was deleted meanwhile took its records with it.
    if (!topic || partition >= topic.partitionCount) return
    const log = topics.log(topic, partition)
    if (isRepeated && !log.hasOpenTransaction(producerId)) return
    log.appendMarker({ producerId, producerEpoch, isCommit }, clock())
    if (log.isFlushDue) log.flushNow()
  }

  #finishPrepared(): void {
    for (const { transaction } of [...this.#entries.values()]) {
      if (!isPrepared(transaction)) continue
      try {
        this.#finish(transaction, true)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        // It was logged, and is tried again at the next request for it, and by the housekeeping.
      }
    }
  }

  #store(transaction: Transaction): void {
    this.#append({ kind: 'transaction', transaction }, this.#isFlushed(transaction))
    this.#put(transaction)
    this.#rewriteIfDue()
  }

  /** Where records of the transaction are on the disk, so must be what becomes of them: they would stay open, or look committed in one topic alone. */
  #isFlushed({ partitions }: Transaction): boolean {
    return partitions.some((name) => {
      const flushMessages = this.#options.topics.get(partitionOf(name).topic)?.config.flushMessages
      return flushMessages !== undefined && flushMessages < Number.MAX_SAFE_INTEGER
    })
  }

  #append(entry: JournalEntry, isFlushed = false): void {
    try {
      this.#journal.append(entry, isFlushed)
    } catch (error) {
      throw this.#notStored(error)
    }
  }

  #notStored(cause: unknown): KafkaError {
    this.#options.logger.error(`The state of a transaction cannot be stored: ${(cause as Error).message}`)
    return kafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  }

  #put(transaction: Transaction): void {
    this.#forget(transaction.transactionalId)
    const entry = { transaction, partitions: new Set(transaction.partitions) }
    this.#entries.set(transaction.transactionalId, entry)
    this.#byProducerId.set(transaction.producerId, entry)
  }

  #forget(transactionalId: string): void {
    const entry = this.#entries.get(transactionalId)
    if (!entry) return
    this.#entries.delete(transactionalId)
    this.#byProducerId.delete(entry.transaction.producerId)
  }

  #rewriteIfDue(): void {
    if (!this.#journal.isRewriteDue) return
    try {
      this.#journal.rewrite(this.all().map((transaction) => ({ kind: 'transaction', transaction })))
    } catch (error) {
      this.#options.logger.warn(`The journal of the transactions could not be written anew, and grows on: ${(error as Error).message}`)
    }
  }
}

/** Whether the last transaction was ended by the very request that comes again: then its producer has the next epoch already. */
function isEndRepeated(known: Transaction, { producerId, producerEpoch }: ProducerIdentity): boolean {
  if (known.state === 'Empty' || known.state === 'Ongoing') return false
  if (known.previousProducerId === producerId) return producerEpoch === EPOCH_MAX && known.producerEpoch === 0
  return known.producerId === producerId && known.lastProducerEpoch === producerEpoch && known.producerEpoch === producerEpoch + 1
}
