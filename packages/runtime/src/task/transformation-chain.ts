import type { ConnectRecord, MaybePromise, Transformation } from '@millrace/api'
import { stageError } from '../errors/tolerance.ts'

/** What became of a record: itself or its successor, several in its place, or null where it was filtered. */
export type Transformed<R> = R | readonly R[] | null

/**
 * The transformations of a task, one after another (`org.apache.kafka.connect.runtime.TransformationChain`). Promises are awaited only where a
 * transformation returns one. An error of a transformation is an error of the stage TRANSFORMATION.
 */
export class TransformationChain<R extends ConnectRecord> {
  readonly #transformations: readonly Transformation<R>[]

  constructor(transformations: readonly Transformation<R>[]) {
    this.#transformations = transformations
  }

  /** Ask before `apply`: no transformation, no call. */
  get isEmpty(): boolean {
    return this.#transformations.length === 0
  }

  apply(record: R): MaybePromise<Transformed<R>> {
    return this.#applyFrom(0, record)
  }

  async close(): Promise<void> {
    for (const transformation of this.#transformations) await transformation.close?.()
  }

  #applyFrom(first: number, record: R): MaybePromise<Transformed<R>> {
    let current = record
    for (let index = first; index < this.#transformations.length; index++) {
      const result = this.#call(this.#transformations[index]!, current)
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

  #call(transformation: Transformation<R>, record: R): MaybePromise<Transformed<R>> {
    try {
      return transformation.apply(record)
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
