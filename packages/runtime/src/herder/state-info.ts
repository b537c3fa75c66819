import type { ConnectorInstanceState, FailureReport, TaskId, TaskInstanceState, TaskProgress } from '@millrace/rest-api'
import type { ConnectorStatus, TaskStatus } from '../storage/status-store.ts'
import { isReportOf } from './failure-reports.ts'

/** A connector's status as REST shows it. */
export function connectorStateOf({ state, workerId, trace, version }: ConnectorStatus): ConnectorInstanceState {
  return { state, worker_id: workerId, ...shownVersion(version), ...shownTrace(trace) }
}

/** A task's status as REST shows it, with what is known of its progress. */
export function taskStateOf({ task }: TaskId, status: TaskStatus, progress: TaskProgress | null): TaskInstanceState {
  const { state, workerId, trace, version } = status
  const shown = { id: task, state, worker_id: workerId, ...shownVersion(version), ...shownTrace(trace) }
  return progress === null ? shown : { ...shown, millrace: withFailureOf(status, progress) }
}

/** What was told of the failure of an earlier start is left out. */
export function withFailureOf<Progress extends { readonly failure?: FailureReport }>(status: ConnectorStatus | TaskStatus, progress: Progress): Progress {
  if (progress.failure === undefined || isReportOf(status, progress.failure)) return progress
  const { failure: _, ...rest } = progress
  return rest as Progress
}

/** As the original: left out where the plug-in has none, null where nobody knows. */
function shownVersion(version: string | null): { version?: string | null } {
  return version === 'undefined' ? {} : { version }
}

function shownTrace(trace: string | null): { trace?: string } {
  return trace === null || trace === '' ? {} : { trace }
}
