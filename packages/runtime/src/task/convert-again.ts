import type { MaybePromise } from '@millrace/api'
import { type Retries, StoppedError } from '../errors/retries.ts'
import type { StageError } from '../errors/stage-error.ts'

/** One step of a record's conversion, by one converter. */
export interface ConversionStep {
  readonly convert: () => MaybePromise<unknown>
  /** What becomes of an error of `convert`. */
  readonly failed: (cause: unknown) => StageError
}

/**
 * Carries out steps one after another, waiting for each: the way for records of which a converter returned a promise or threw something that is worth
 * another try. The converters see the record in the same order as on the quick way, and no step twice without need.
 *
 * @param begun what the first steps gave on the quick way
 * @param failure what the step after them threw there, in an array; empty where none did
 * @returns what each step gave. @throws StageError; StoppedError.
 */
export async function convertStepByStep(
  steps: readonly ConversionStep[],
  begun: readonly MaybePromise<unknown>[],
  failure: readonly unknown[],
  retries: Retries,
): Promise<readonly unknown[]> {
  // All are waited for in turn, but none of them may be left without a handler meanwhile.
  for (const result of begun) if (result instanceof Promise) result.catch(() => {})
  const results: unknown[] = []
  for (const [index, step] of steps.entries()) {
    if (index === begun.length && failure.length > 0) results.push(await again(step, failure[0], retries))
    else results.push(await settled(step, index < begun.length ? () => begun[index] : step.convert, retries))
  }
  return results
}

async function settled(step: ConversionStep, first: () => MaybePromise<unknown>, retries: Retries): Promise<unknown> {
  try {
    return await first()
  } catch (error) {
    return await again(step, error, retries)
  }
}

async function again({ convert, failed }: ConversionStep, error: unknown, retries: Retries): Promise<unknown> {
  try {
    return await retries.again(error, convert)
  } catch (last) {
    throw last instanceof StoppedError ? last : failed(last)
  }
}
