import type { TaskId } from '@millrace/rest-api'
import type { Failure } from '../errors/failure.ts'
import type { RestartSubject } from './auto-restart.ts'

/** States that a worker reports of the connector instances it runs. UNASSIGNED: it ended because it was asked to. */
export type ReportedConnectorState = 'RUNNING' | 'PAUSED' | 'STOPPED' | 'FAILED' | 'UNASSIGNED'
/** RESTARTING: its start takes so long that somebody may wonder where it is. */
export type ReportedTaskState = 'RUNNING' | 'PAUSED' | 'FAILED' | 'UNASSIGNED' | 'RESTARTING'

/**
 * Hears what happens to connectors and tasks. Called on the main thread, in the order of the events of each connector or task, never after
 * its incarnation was replaced. Must not throw and should only note what happened.
 */
export interface WorkerListener {
  /** `failure` is set exactly when the state is FAILED. */
  connectorState(name: string, state: ReportedConnectorState, failure: Failure | null): void
  taskState(id: TaskId, state: ReportedTaskState, failure: Failure | null): void
  /** A task that was told to have FAILED failed so many times more, while it was ended. */
  failedAgain?(id: TaskId, count: number): void
  /** A task used this topic; told once per topic and incarnation of the task. */
  activeTopic(id: TaskId, topic: string): void
  /**
   * What failed shall be restarted without anybody asking, in turn with what users ask for, references of configuration providers resolved again. `begin` is called
   * just before anything is stopped; where it says false, nothing is to be done any more. Rejects where that fails. Absent: nothing is restarted.
   */
  restartWanted?(subject: RestartSubject, begin: () => boolean): Promise<void>
  /** For how long nobody else can have been given what this worker runs: milliseconds, 0 or less for not at all. Absent outside of a cluster. */
  leaseMs?(): number
  /** The connector asks for its `taskConfigs` to be called again. */
  taskReconfigurationRequested(connector: string): void
}
