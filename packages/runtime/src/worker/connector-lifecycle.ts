import type { ReportedConnectorState } from './worker-listener.ts'

/**
 * The life of a connector instance (`WorkerConnector`): what has to be done to reach a target state.
 *
 * init: made, never started. started, paused, stopped: it reached that target. failed: it failed, and only a new instance helps.
 */
export type ConnectorRunState = 'init' | 'started' | 'paused' | 'stopped' | 'failed'
export type ConnectorTarget = 'STARTED' | 'PAUSED' | 'STOPPED'

export interface ConnectorTransition {
  readonly next: ConnectorRunState
  /** What is asked of the instance's thread on the way. */
  readonly act: 'none' | 'start' | 'stop'
  /** What is reported when that is done; null: nothing changed. */
  readonly report: ReportedConnectorState | null
}

/** Null: not possible. */
export const connectorLifecycle: Readonly<Record<ConnectorRunState, Readonly<Record<ConnectorTarget, ConnectorTransition | null>>>> = {
  init: {
    STARTED: { next: 'started', act: 'start', report: 'RUNNING' },
    PAUSED: { next: 'paused', act: 'none', report: 'PAUSED' },
    STOPPED: { next: 'stopped', act: 'none', report: 'STOPPED' },
  },
  started: {
    STARTED: { next: 'started', act: 'none', report: null },
    PAUSED: { next: 'paused', act: 'stop', report: 'PAUSED' },
    STOPPED: { next: 'stopped', act: 'stop', report: 'STOPPED' },
  },
  paused: {
    STARTED: { next: 'started', act: 'start', report: 'RUNNING' },
    PAUSED: { next: 'paused', act: 'none', report: null },
    STOPPED: { next: 'stopped', act: 'none', report: 'STOPPED' },
  },
  stopped: {
    STARTED: { next: 'started', act: 'start', report: 'RUNNING' },
    PAUSED: { next: 'paused', act: 'none', report: 'PAUSED' },
    STOPPED: { next: 'stopped', act: 'none', report: null },
  },
  failed: {
    STARTED: null,
    PAUSED: null,
    STOPPED: { next: 'stopped', act: 'stop', report: 'STOPPED' },
  },
}
