import type { ConnectRecord, MaybePromise, Predicate, Transformation } from '@millrace/api'
import { stageError } from '../errors/tolerance.ts'

/** What became of a record: itself or its successor, several in its place, or null where it was filtered. */
export type Transformed<R> = R | readonly R[] | null

/** A transformation with what decides whether a record passes it (`org.apache.kafka.connect.runtime.TransformationStage`). */
export interface TransformationStage<R extends ConnectRecord> {
  readonly transformation: Transformation<R>
  /** Null: every record passes the transformation. */
  readonly predicate: Predicate<R> | null
  /** Records pass it for which the predicate does not hold. */
  readonly isNegated: boolean
}

/**
 * The transformations of a task, one after another (`org.apache.kafka.connect.runtime.TransformationChain`). Promises are awaited only where a
 * transformation returns one. An error of a transformation or predicate is an error of the stage TRANSFORMATION.
 */
export class TransformationChain<R extends ConnectRecord> {
  readonly #stages: readonly TransformationStage<R>[]

  constructor(stages: readonly TransformationStage<R>[]) {
    this.#stages = stages
  }

  /** Ask before `apply`: no transformation, no call. */
  get isEmpty(): boolean {
    return this.#stages.length === 0
  }

  apply(record: R): MaybePromise<Transformed<R>> {
    return this.#applyFrom(0, record)
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
      if (result instanceof Promise) return result.then((settled) => this.#continue(index + 1, settled), rethrowAsStageError)
      if (result === null) return null
      if (isSeveral(result)) return this.#applyToEach(index + 1, result)
      current = result
    }
    return current
  }

  #continue(first: number, result: Transformed<R>): MaybePromise<Transformed<R>> {
    if (result === null) return null
    return isSeveral(result) ? this.#applyToEach(first, result) : this.#applyFrom(first, result)
  }

  #applyToEach(first: number, records: readonly R[]): MaybePromise<readonly R[]> {
    const results = records.map((record) => this.#applyFrom(first, record))
    return results.some((result) => result instanceof Promise) ? Promise.all(results).then(flattened) : flattened(results as Transformed<R>[])
  }

  #call({ transformation, predicate, isNegated }: TransformationStage<R>, record: R): MaybePromise<Transformed<R>> {
    try {
      return predicate === null || predicate.test(record) !== isNegated ? transformation.apply(record) : record
    } catch (error) {
      throw stageError(error)
    }
  }
}

function flattened<R>(results: readonly Transformed<R>[]): readonly R[] {
  return results.flatMap((result) => (result === null ? [] : isSeveral(result) ? [...result] : [result]))
}

function isSeveral<R>(result: R | readonly R[]): result is readonly R[] {
  return Array.isArray(result)
}

function rethrowAsStageError(error: unknown): never {
  throw stageError(error)
}
