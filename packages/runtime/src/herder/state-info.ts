import type { ConnectorInstanceState, TaskId, TaskInstanceState, TaskProgress } from '@millrace/rest-api'
import type { ConnectorStatus, TaskStatus } from '../storage/status-store.ts'

/** A connector's status as REST shows it. */
export function connectorStateOf({ state, workerId, trace, version }: ConnectorStatus): ConnectorInstanceState {
  return { state, worker_id: workerId, ...shownVersion(version), ...shownTrace(trace) }
}

/** A task's status as REST shows it, with what is known of its progress. */
export function taskStateOf({ task }: TaskId, { state, workerId, trace, version }: TaskStatus, progress: TaskProgress | null): TaskInstanceState {
  return { id: task, state, worker_id: workerId, ...shownVersion(version), ...shownTrace(trace), ...(progress === null ? {} : { millrace: progress }) }
}

/** As the original: left out where the plug-in has none, null where nobody knows. */
function shownVersion(version: string | null): { version?: string | null } {
  return version === 'undefined' ? {} : { version }
}

function shownTrace(trace: string | null): { trace?: string } {
  return trace === null || trace === '' ? {} : { trace }
}
