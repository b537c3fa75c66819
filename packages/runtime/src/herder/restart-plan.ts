import type { ConnectorStateInfo, ConnectorType, TaskId } from '@millrace/rest-api'
import type { ConnectorStatus, TaskStatus } from '../storage/status-store.ts'
import type { RestartRequest } from './herder.ts'
import { connectorStateOf, taskStateOf } from './state-info.ts'

/** What a request for a restart comes to (KIP-745). */
export interface RestartPlan {
  readonly restartsConnector: boolean
  /** In ascending order. */
  readonly tasks: readonly TaskId[]
  /** The present state, with RESTARTING for everything that is restarted. */
  readonly stateInfo: ConnectorStateInfo
}

export interface RestartSubject {
  readonly name: string
  readonly type: ConnectorType
  readonly connector: ConnectorStatus
  readonly tasks: readonly (TaskStatus & { readonly id: TaskId })[]
}

/** A function of the request and what is known of the connector; restarts nothing. */
export function restartPlan({ includeTasks, onlyFailed }: RestartRequest, { name, type, connector, tasks }: RestartSubject): RestartPlan {
  const isChosen = (status: ConnectorStatus | TaskStatus): boolean => !onlyFailed || status.state === 'FAILED'
  const restartsConnector = isChosen(connector)
  const chosenTasks = includeTasks ? tasks.filter(isChosen) : []
  return {
    restartsConnector,
    tasks: chosenTasks.map((task) => task.id),
    stateInfo: {
      name,
      connector: connectorStateOf(restartsConnector ? { ...connector, state: 'RESTARTING' } : connector),
      tasks: tasks.map((task) => taskStateOf(task.id, chosenTasks.includes(task) ? { ...task, state: 'RESTARTING' } : task, null)),
      type,
    },
  }
}

/** Of two requests for one connector the one that restarts more: a restart of everything covers all others (`RestartRequest.compareTo`). */
export function strongerRestart<Request extends RestartRequest>(a: Request, b: Request): Request {
  return impactOf(b) > impactOf(a) ? b : a
}

function impactOf({ includeTasks, onlyFailed }: RestartRequest): number {
  return (onlyFailed ? 0 : 2) + (includeTasks ? 1 : 0)
}
