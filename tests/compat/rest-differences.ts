import type { Answer } from './recorded-exchanges.ts'

/** Where ours does not answer as recorded, and why. */
export interface Difference {
  readonly reason: string
  /** The request is not sent at all: it is about something that is not there in any form. */
  readonly skipped?: true
  /** What ours answers instead, made from what was recorded. */
  readonly ours?: (recorded: Answer) => Partial<Answer>
}

export const standaloneDifferences: Readonly<Record<string, Difference>> = {}
export const distributedDifferences: Readonly<Record<string, Difference>> = {}
