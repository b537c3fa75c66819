import { type ConnectRecord, type MaybePromise, type Predicate, type Transformation, withoutStackTrace } from '@millrace/api'
import { type Retries, StoppedError } from '../errors/retries.ts'
import { coordinatesOf, StageError } from '../errors/stage-error.ts'

/** What became of a record: itself or its successor, several in its place, or null where it was filtered. */
export type Transformed<R> = R | readonly R[] | null

/** A transformation with what decides whether a record passes it (`org.apache.kafka.connect.runtime.TransformationStage`). */
export interface TransformationStage<R extends ConnectRecord> {
  /** Its name in `transforms`. */
  readonly alias: string
  readonly transformation: Transformation<R>
  /** Java's name of the transformation's class. */
  readonly className: string
  /** Null: every record passes the transformation. */
  readonly predicate: Predicate<R> | null
  /** Records pass it for which the predicate does not hold. */
  readonly isNegated: boolean
}

/**
 * The transformations of a task, one after another (`org.apache.kafka.connect.runtime.TransformationChain`). Promises are awaited only where a
 * transformation returns one, or is tried again. An error of a transformation or predicate is an error of the stage TRANSFORMATION.
 */
export class TransformationChain<R extends ConnectRecord> {
  readonly #stages: readonly TransformationStage<R>[]
  readonly #retries: Retries
  #filteredBy = ''

  constructor(stages: readonly TransformationStage<R>[], retries: Retries) {
    this.#stages = stages
    this.#retries = retries
  }

  /** Ask before `apply`: no transformation, no call. */
  get isEmpty(): boolean {
    return this.#stages.length === 0
  }

  /** The alias of the transformation that left the last record out, where `apply` gave nothing: the last one, where several took part in it. */
  get filteredBy(): string {
    return this.#filteredBy
  }

  apply(record: R): MaybePromise<Transformed<R>> {
    return this.#applyFrom(0, record)
  }

  /** As `apply`; errors that are thrown at once have no stack traces (`TraceBudget`). */
  applyWithoutTrace(record: R): MaybePromise<Transformed<R>> {
    return withoutStackTrace(() => this.#applyFrom(0, record))
  }

  async close(): Promise<void> {
    for (const { transformation, predicate } of this.#stages) {
      await transformation.close?.()
      await predicate?.close?.()
    }
  }

  #applyFrom(first: number, record: R): MaybePromise<Transformed<R>> {
    let current = record
    for (let index = first; index < this.#stages.length; index++) {
      const result = this.#call(this.#stages[index]!, current)
      if (result instanceof Promise) return result.then((settled) => this.#continue(index + 1, settled))
      if (result === null || isSeveral(result)) return this.#continue(index + 1, result)
      current = result
    }
    return current
  }

  #continue(first: number, result: Transformed<R>): MaybePromise<Transformed<R>> {
    if (result === null || (isSeveral(result) && result.length === 0)) {
      this.#filteredBy = this.#stages[first - 1]!.alias
      return null
    }
    return isSeveral(result) ? this.#applyToEach(first, result) : this.#applyFrom(first, result)
  }

  #applyToEach(first: number, records: readonly R[]): MaybePromise<readonly R[]> {
    const results = records.map((record) => this.#applyFrom(first, record))
    return results.some((result) => result instanceof Promise) ? Promise.all(results).then(flattened) : flattened(results as Transformed<R>[])
  }

  /** @throws StageError, also in a promise. */
  #call(stage: TransformationStage<R>, record: R): MaybePromise<Transformed<R>> {
    try {
      const result = applied(stage, record)
      return result instanceof Promise ? result.catch((error: unknown) => this.#again(error, stage, record)) : result
    } catch (error) {
      if (!this.#retries.handles(error)) throw this.#failure(stage, record, error)
      return this.#again(error, stage, record)
    }
  }

  async #again(error: unknown, stage: TransformationStage<R>, record: R): Promise<Transformed<R>> {
    try {
      return await this.#retries.again(error, () => applied(stage, record))
    } catch (last) {
      throw last instanceof StoppedError ? last : this.#failure(stage, record, last)
    }
  }

  #failure(stage: TransformationStage<R>, record: R, cause: unknown): StageError {
    const transform = { alias: stage.alias, position: this.#stages.indexOf(stage) + 1 }
    return new StageError('TRANSFORMATION', stage.className, cause, { transform, record: coordinatesOf(record) })
  }
}

function applied<R extends ConnectRecord>({ transformation, predicate, isNegated }: TransformationStage<R>, record: R): MaybePromise<Transformed<R>> {
  return predicate === null || predicate.test(record) !== isNegated ? transformation.apply(record) : record
}

function flattened<R>(results: readonly Transformed<R>[]): readonly R[] {
  return results.flatMap((result) => (result === null ? [] : isSeveral(result) ? [...result] : [result]))
}

function isSeveral<R>(result: R | readonly R[]): result is readonly R[] {
  return Array.isArray(result)
}
