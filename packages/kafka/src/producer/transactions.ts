import { ErrorCode, type KafkaError, kafkaError } from '@millrace/kafka-protocol'
import { timerMs } from '../clock.ts'
import type { OffsetCommit } from '../consumer/committed-offsets.ts'
import { asKafkaError, illegalStateError, timeoutError, transactionAbortedError, transactionFailedError } from '../errors.ts'
import type { PartitionQueue, ProducerIdentity } from './partition-queue.ts'
import { type Consequence, consequenceOf, consequenceOfRecord, type TransactionGroup, type TransactionProtocol } from './transaction-requests.ts'

/** By Java's names, which stand in its messages. */
type State =
  | 'UNINITIALIZED'
  | 'INITIALIZING'
  | 'READY'
  | 'IN_TRANSACTION'
  | 'COMMITTING_TRANSACTION'
  | 'ABORTING_TRANSACTION'
  /** Something of the transaction has failed: it can only be aborted. */
  | 'ABORTABLE_ERROR'
  /** Nothing is possible any more but closing. */
  | 'FATAL_ERROR'

type Operation = 'initTransactions' | 'commitTransaction' | 'abortTransaction'

export interface TransactionsOptions {
  readonly transactionalId: string
  /** How long a call may wait. Milliseconds (`max.block.ms`). */
  readonly maxBlockMs: number
  readonly requests: TransactionProtocol
  /** Resolves when all records that were taken over have ended, well or badly. */
  flush(): Promise<void>
  /** Called when partitions may be sent to or unsent batches have lost their purpose: the sender is to have another look. Must not throw. */
  changed(): void
}

/**
 * The transactions of one producer: what has been begun, which partitions belong to it, what may be called next.
 *
 * - A batch is sent only when its partition has been added (`admits`).
 * - A record that fails makes its transaction fail: from then on it can only be aborted. Whether the failed batch has reached the broker is not always
 *   known, so the epoch is raised after the abort, which begins all sequence numbers anew (KIP-360).
 * - Requests to the coordinator go one after the other: it refuses concurrent ones.
 * - A call that takes longer than `max.block.ms` goes on; called again, it is waited for again.
 */
export class Transactions {
  readonly #options: TransactionsOptions
  #state: State = 'UNINITIALIZED'
  #identity: ProducerIdentity | null = null
  #error: KafkaError | null = null
  /** Whether the coordinator knows of the transaction, so that it has to be ended there. */
  #isStarted = false
  #mustRenew = false
  readonly #added = new Set<PartitionQueue>()
  readonly #wanted = new Set<PartitionQueue>()
  #isAdding = false
  /** Settled when no request is under way. */
  #line: Promise<unknown> = Promise.resolve()
  #pending: { readonly operation: Operation; readonly ended: Promise<void> } | null = null

  constructor(options: TransactionsOptions) {
    this.#options = options
  }

  get identity(): ProducerIdentity | null {
    return this.#identity
  }

  /** With what the batches end that have not been sent; null while they may be. */
  get refusal(): KafkaError | null {
    if (this.#state === 'FATAL_ERROR') return this.#error
    return this.#state === 'ABORTABLE_ERROR' || this.#state === 'ABORTING_TRANSACTION' ? transactionAbortedError() : null
  }

  /** Whether batches that were sent before are not sent again either. */
  get isFatal(): boolean {
    return this.#state === 'FATAL_ERROR'
  }

  get isOpen(): boolean {
    return this.#state === 'IN_TRANSACTION' || this.#state === 'ABORTABLE_ERROR'
  }

  /** Resolves when the call that is under way has ended, or after `max.block.ms`. Never rejects. */
  async settled(): Promise<void> {
    if (this.#pending === null) return
    await isLate(
      this.#pending.ended.catch(() => undefined),
      this.#options.maxBlockMs,
    )
  }

  init(): Promise<void> {
    return this.#run('initTransactions', () => this.#init())
  }

  begin(): void {
    this.#throwFailure()
    this.#enter('IN_TRANSACTION', 'READY')
  }

  commit(): Promise<void> {
    return this.#run('commitTransaction', () => this.#commit())
  }

  abort(): Promise<void> {
    return this.#run('abortTransaction', () => this.#abort())
  }

  async sendOffsets(offsets: readonly OffsetCommit[], group: TransactionGroup): Promise<void> {
    this.#throwFailure()
    if (this.#state !== 'IN_TRANSACTION') {
      throw illegalStateError(`Cannot send offsets if a transaction is not in progress (currentState= ${this.#state})`)
    }
    if (offsets.length === 0) return
    const sent = this.#request(async ({ requests, identity }) => {
      await requests.addOffsets(identity, group.groupId)
      this.#isStarted = true
      await requests.commitOffsets(identity, offsets, group)
    })
    if (await isLate(sent, this.#options.maxBlockMs)) throw this.#tooLate('sendOffsetsToTransaction')
  }

  /** Whether a record may be sent now. @throws KafkaError if not. */
  checkSend(topic: string): void {
    if (this.#state === 'IN_TRANSACTION') return
    this.#throwFailure()
    throw illegalStateError(`Cannot add a partition of topic ${topic} to the transaction while in state ${this.#state}`)
  }

  /** Whether batches of a partition may be sent. If it is not part of the transaction yet, it becomes so, and `changed` is called. */
  admits(queue: PartitionQueue): boolean {
    if (this.#added.has(queue)) return true
    if (this.#state !== 'IN_TRANSACTION' && this.#state !== 'COMMITTING_TRANSACTION') return false
    this.#wanted.add(queue)
    if (!this.#isAdding) this.#addWanted()
    return false
  }

  /** A record has failed. @param wasSent whether it has perhaps reached a broker. */
  recordFailed(error: KafkaError, wasSent: boolean): void {
    if (wasSent) this.#mustRenew = true
    if (this.#state === 'IN_TRANSACTION' || this.#state === 'COMMITTING_TRANSACTION') this.#fail(error, consequenceOfRecord(error))
    else if (consequenceOfRecord(error) === 'fatal') this.#fail(error, 'fatal')
  }

  async #init(): Promise<void> {
    this.#throwFailure()
    this.#enter('INITIALIZING', 'UNINITIALIZED')
    try {
      this.#identity = await this.#options.requests.initProducerId(null)
      this.#state = 'READY'
    } catch (failure) {
      const error = asKafkaError(failure)
      this.#state = 'UNINITIALIZED'
      // Rights may be given later, and the call be repeated.
      if (consequenceOf(error) === 'fatal' && !error.code.endsWith('AUTHORIZATION_FAILED')) this.#fail(error, 'fatal')
      throw error
    }
  }

  async #commit(): Promise<void> {
    this.#throwFailure()
    this.#enter('COMMITTING_TRANSACTION', 'IN_TRANSACTION')
    await this.#options.flush()
    await this.#request(async ({ requests, identity }) => {
      if (this.#isStarted) await requests.end(identity, true)
    })
    this.#complete()
  }

  async #abort(): Promise<void> {
    if (this.#state === 'FATAL_ERROR') this.#throwFailure()
    this.#enter('ABORTING_TRANSACTION', 'IN_TRANSACTION', 'ABORTABLE_ERROR')
    this.#error = null
    this.#wanted.clear()
    this.#options.changed()
    await this.#options.flush()
    try {
      await this.#request(async ({ requests, identity }) => {
        if (this.#isStarted) await requests.end(identity, false).catch((error) => this.#noteRenewal(asKafkaError(error)))
        if (this.#mustRenew) this.#identity = await requests.initProducerId(identity)
      })
    } catch (failure) {
      if (!this.isFatal) this.#state = 'ABORTABLE_ERROR'
      this.#error ??= asKafkaError(failure)
      throw failure
    }
    this.#complete()
  }

  /** The coordinator does not know the producer: nothing to end, and the id is to be asked for anew. */
  #noteRenewal(error: KafkaError): void {
    if (consequenceOf(error) !== 'abort and renew') throw error
    this.#mustRenew = true
  }

  #complete(): void {
    this.#state = 'READY'
    this.#error = null
    this.#isStarted = false
    this.#mustRenew = false
    this.#added.clear()
  }

  #addWanted(): void {
    this.#isAdding = true
    const added = this.#request(async ({ requests, identity }) => {
      // By now the sender has been through all partitions that have something to send.
      const queues = [...this.#wanted]
      this.#wanted.clear()
      if (queues.length === 0) return
      await requests.addPartitions(identity, queues)
      this.#isStarted = true
      for (const queue of queues) this.#added.add(queue)
    })
    const ended = () => {
      this.#isAdding = false
      this.#options.changed()
    }
    added.then(ended, ended)
  }

  /** Runs a request when the earlier ones are through, unless the transaction has failed meanwhile; its failure is the transaction's. */
  #request(send: (by: { requests: TransactionProtocol; identity: ProducerIdentity }) => Promise<void>): Promise<void> {
    const sent = this.#line.then(async () => {
      if (this.#error !== null) throw this.#error
      try {
        await send({ requests: this.#options.requests, identity: this.#identity! })
      } catch (failure) {
        const error = asKafkaError(failure)
        this.#fail(error, consequenceOf(error))
        throw error
      }
    })
    this.#line = sent.catch(() => undefined)
    return sent
  }

  #fail(error: KafkaError, consequence: Consequence): void {
    if (this.#state === 'FATAL_ERROR') return
    if (consequence === 'abort and renew') this.#mustRenew = true
    // What comes of requests that were under way when the abort began does not matter to it.
    if (consequence !== 'fatal' && this.#state === 'ABORTING_TRANSACTION') return
    this.#error = consequence === 'fatal' ? error : (this.#error ?? error)
    this.#state = consequence === 'fatal' ? 'FATAL_ERROR' : 'ABORTABLE_ERROR'
    this.#options.changed()
  }

  #enter(next: State, ...allowed: readonly State[]): void {
    if (!allowed.includes(this.#state)) {
      const { transactionalId } = this.#options
      throw illegalStateError(`TransactionalId ${transactionalId}: Invalid transition attempted from state ${this.#state} to state ${next}`)
    }
    this.#state = next
  }

  #throwFailure(): void {
    if (this.#error === null) return
    if (this.#error.code !== 'PRODUCER_FENCED') throw transactionFailedError(this.#error)
    throw kafkaError(ErrorCode.PRODUCER_FENCED, `Producer with transactionalId '${this.#options.transactionalId}'`)
  }

  async #run(operation: Operation, start: () => Promise<void>): Promise<void> {
    if (this.#pending !== null && this.#pending.operation !== operation) {
      throw illegalStateError(
        `Cannot attempt operation \`${operation}\` because the previous call to \`${this.#pending.operation}\` timed out and must be retried`,
      )
    }
    this.#pending ??= { operation, ended: start() }
    const pending = this.#pending
    let isTooLate = false
    try {
      isTooLate = await isLate(pending.ended, this.#options.maxBlockMs)
    } finally {
      if (!isTooLate && this.#pending === pending) this.#pending = null
    }
    if (isTooLate) throw this.#tooLate(operation)
  }

  #tooLate(operation: string): KafkaError {
    return timeoutError(`Timeout expired after ${this.#options.maxBlockMs}ms while awaiting ${operation}`)
  }
}

/** Whether something takes longer than that; it goes on, and its failure is then for who waits for it again. */
async function isLate(ended: Promise<void>, timeoutMs: number): Promise<boolean> {
  ended.catch(() => undefined)
  const { promise: late, resolve } = Promise.withResolvers<true>()
  const timer = setTimeout(() => resolve(true), timerMs(timeoutMs))
  try {
    return (await Promise.race([ended, late])) === true
  } finally {
    clearTimeout(timer)
  }
}
