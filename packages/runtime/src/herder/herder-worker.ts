import type { Worker } from '../worker/worker.ts'

/** What a herder uses of a `Worker`. */
export type HerderWorker = Pick<
  Worker,
  | 'startConnector'
  | 'stopConnector'
  | 'connectorTaskConfigs'
  | 'startTask'
  | 'stopTasks'
  | 'setTargetState'
  | 'forgetTopics'
  | 'isRunning'
  | 'taskProgress'
  | 'connectorProgress'
  | 'startFailed'
  | 'restartInfo'
  | 'validateConnector'
  | 'pluginConfigDef'
  | 'alterOffsets'
  | 'threads'
  | 'stop'
>
