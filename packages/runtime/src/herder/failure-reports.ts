import type { FailureReport, TaskId } from '@millrace/rest-api'
import { headlineOf } from '../errors/failure-report.ts'

/** Reports of connectors and tasks that were removed are forgotten at last. */
const REPORTS_MAX = 2_000

/** Why connectors and tasks of this worker are FAILED. The status itself, which every worker reads, has only the text of it (`trace`). */
export class FailureReports {
  readonly #reports = new Map<string, FailureReport>()

  /** Keeps the report of the latest state; null where that is no failure. */
  keep(of: string | TaskId, report: FailureReport | null): void {
    const key = keyOf(of)
    this.#reports.delete(key)
    if (report === null) return
    this.#reports.set(key, report)
    const [oldest] = this.#reports.keys()
    if (this.#reports.size > REPORTS_MAX && oldest !== undefined) this.#reports.delete(oldest)
  }

  /** Further failures of something that has failed already: they are counted, and do not hide the first. */
  failedAgain(of: string | TaskId, count: number): void {
    const report = this.#reports.get(keyOf(of))
    if (report !== undefined) this.#reports.set(keyOf(of), { ...report, later_failures: report.later_failures + count })
  }

  /** Null where this worker knows of none. */
  of(of: string | TaskId): FailureReport | null {
    return this.#reports.get(keyOf(of)) ?? null
  }
}

/** Whether a report is that of the failure whose trace a status shows. What another worker, or an earlier start, told of it is not. */
export function isReportOf({ state, trace }: { readonly state: string; readonly trace: string | null }, report: FailureReport): boolean {
  return state === 'FAILED' && trace !== null && trace.startsWith(`${headlineOf(report)}\n`)
}

function keyOf(of: string | TaskId): string {
  return typeof of === 'string' ? of : JSON.stringify([of.connector, of.task])
}
