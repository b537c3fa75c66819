import { ConnectError, isRetriable, type MaybePromise, type PutFailure, putFailuresOf, type SinkRecord } from '@millrace/api'
import { failureClassOf } from '../errors/failure-class.ts'

/** What an error of `put` asks for: the same again, a look for the records at fault, or the end of the task. */
export type PutVerdict = 'again' | 'look' | 'fail'

/** Only an error that may be about records is looked into: where the destination is away or refuses the user, every part of the batch would fail as well. */
export function putVerdict(error: unknown): PutVerdict {
  if (isRetriable(error)) return 'again'
  const failureClass = failureClassOf(error)
  if (failureClass === 'transient') return 'again'
  return failureClass === 'data' || failureClass === 'bug' ? 'look' : 'fail'
}

export interface PutInPartsOptions {
  readonly put: (records: readonly SinkRecord[]) => MaybePromise<void>
  /** @throws where the task must end for another reason than what `put` threw. */
  readonly throwIfFatal: () => void
  /** Whether a part may be put again in smaller ones: the sink said so (`SinkTask.delivery`). */
  readonly isDivisible: () => boolean
  /** `millrace.errors.put.attempts.max`, for one batch. */
  readonly attemptsMax: number
  /** A record that cannot be written is handed over, in the order of the batch. @throws where it must not be left out: the task fails. */
  readonly refused: (record: SinkRecord, error: unknown) => MaybePromise<void>
  /** Gives those that may still be written: others, because of one that was refused before them, it hands over itself. */
  readonly admitted: (records: readonly SinkRecord[]) => MaybePromise<readonly SinkRecord[]>
  /** Whether the task shall end: no further part is put. */
  readonly isStopping: () => boolean
  /** Milliseconds that only grow. Default: `performance.now`. */
  readonly now?: () => number
}

/**
 * How long parts of a batch are put before the rest is left for the next turn of the loop: the consumer has to poll, or it loses its partitions
 * (`max.poll.interval.ms`). Milliseconds.
 */
const SLICE_MS = 10_000

/** What became of a batch. What is neither left nor refused is written. */
export interface PutOutcome {
  /** To be put again, in this order; empty: the batch is through. */
  readonly left: readonly SinkRecord[]
  /** Why something is left; null where the task shall end, or where it only took long. */
  readonly error: unknown
}

/** What a failed `put` leads to. */
interface Finding {
  /** To be put one after the other. */
  readonly parts: readonly (readonly SinkRecord[])[]
  /** To be put once more later, before all parts. */
  readonly again: readonly SinkRecord[]
  readonly error: unknown
}

/**
 * Finds the records of a batch that `put` cannot write (docs/spec/record-delivery.md, D11): those that the sink names, or, by halves, those that fail alone. The
 * parts are put in the order of the batch, each once the part before it is through, so that records of a partition never change places.
 */
export class PutInParts {
  readonly #options: PutInPartsOptions

  constructor(options: PutInPartsOptions) {
    this.#options = options
  }

  /** @param error what `put` threw for `records`. @throws what ends the task. */
  async afterFailure(records: readonly SinkRecord[], error: unknown): Promise<PutOutcome> {
    return await this.#putAll([], await this.#look(records, error))
  }

  /** Puts several parts of one batch, one after the other. @throws what ends the task. */
  async putEach(parts: readonly (readonly SinkRecord[])[]): Promise<PutOutcome> {
    return await this.#putAll(parts.toReversed(), null)
  }

  /** @param waiting parts to be put after those of the finding, the last one first. */
  async #putAll(waiting: (readonly SinkRecord[])[], first: Finding | null): Promise<PutOutcome> {
    const { put, admitted, isStopping, attemptsMax, now = () => performance.now() } = this.#options
    const startedAtMs = now()
    // Without it the same would be done in the next turn.
    let hasProgress = false
    let finding = first
    for (let failures = first === null ? 0 : 1; ; ) {
      if (finding !== null) {
        waiting.push(...finding.parts.toReversed())
        hasProgress ||= finding.parts.length === 0
        if (finding.again.length > 0) return { left: [...finding.again, ...remaining(waiting)], error: finding.error }
        // Each failure is followed by two calls at most.
        if (2 * failures > attemptsMax) throw tooManyAttempts(attemptsMax, finding.error)
      }
      if (waiting.length === 0) return { left: [], error: null }
      if (isStopping() || (hasProgress && now() - startedAtMs > SLICE_MS)) return { left: remaining(waiting), error: null }
      const records = await admitted(waiting.pop()!)
      finding = null
      if (records.length === 0) continue
      try {
        await put(records)
        hasProgress = true
      } catch (error) {
        failures++
        finding = await this.#look(records, error)
      }
    }
  }

  async #look(records: readonly SinkRecord[], error: unknown): Promise<Finding> {
    this.#options.throwIfFatal()
    const failures = putFailuresOf(error)
    if (failures !== null) return await this.#named(records, failures, error)
    const verdict = putVerdict(error)
    if (verdict === 'fail') throw error
    if (verdict === 'again') return { parts: [], again: records, error }
    if (!this.#options.isDivisible()) throw indivisible(records.length, error)
    if (records.length > 1) return { parts: halves(records), again: [], error }
    await this.#options.refused(records[0]!, error)
    return { parts: [], again: [], error }
  }

  async #named(records: readonly SinkRecord[], failures: readonly PutFailure[], error: unknown): Promise<Finding> {
    const again: SinkRecord[] = []
    for (const { index, error: reason } of failures.toSorted((a, b) => a.index - b.index)) {
      const record = records[index]
      if (record === undefined) throw new ConnectError(`The sink says that record ${index} of a batch of ${records.length} failed`, { cause: error })
      const verdict = putVerdict(reason)
      if (verdict === 'fail') throw error
      if (verdict === 'again') again.push(record)
      else await this.#options.refused(record, reason)
    }
    return { parts: [], again, error }
  }
}

function halves(records: readonly SinkRecord[]): readonly (readonly SinkRecord[])[] {
  const half = records.length >> 1
  return [records.slice(0, half), records.slice(half)]
}

function remaining(waiting: readonly (readonly SinkRecord[])[]): SinkRecord[] {
  return waiting.toReversed().flat()
}

/** Nobody can tell which records of a batch are at fault. */
class IndivisibleBatchError extends ConnectError {
  override get code(): string {
    return 'BATCH_INDIVISIBLE'
  }
}

/** To find those that are would take too many calls. */
class TooManyAttemptsError extends ConnectError {
  override get code(): string {
    return 'BATCH_ATTEMPTS'
  }
}

function tooManyAttempts(attemptsMax: number, cause: unknown): ConnectError {
  return new TooManyAttemptsError(
    `Too many records of one batch cannot be written: put would be called more than ${attemptsMax} times (millrace.errors.put.attempts.max)`,
    {
      cause,
    },
  )
}

function indivisible(count: number, cause: unknown): ConnectError {
  return new IndivisibleBatchError(
    `Which of the ${count} records cannot be written is not known: the sink neither names them (PartialPutError) nor says that parts of a batch may be put again (SinkTask.delivery)`,
    { cause },
  )
}
