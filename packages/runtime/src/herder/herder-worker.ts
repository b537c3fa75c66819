import type { Properties } from '@millrace/api'
import type { ConfigKeyInfo, TaskId, TaskProgress } from '@millrace/rest-api'
import type { PluginDescriptor } from '../plugins/plugin-registry.ts'
import type { TargetState } from '../storage/config-store.ts'
import type { ValidationResult } from '../thread/messages.ts'

/** What a herder uses of a `Worker`. */
export interface HerderWorker {
  /** Rejects with the cause where the connector cannot be started; the listener hears of it as well. */
  startConnector(name: string, config: Properties, targetState: TargetState): Promise<void>
  /** Resolves when the instance is gone, or was never there. */
  stopConnector(name: string): Promise<void>
  /** The configurations of all tasks, `task.class` and topics added. @throws where the connector fails, or makes too many. */
  connectorTaskConfigs(name: string, config: Properties): Promise<readonly Properties[]>
  /** Resolves when a thread has taken the task. Rejects where none can; the listener hears of it as well. */
  startTask(id: TaskId, connectorConfig: Properties, taskConfig: Properties, targetState: TargetState): Promise<void>
  /** Resolves when all are stopped, terminated or abandoned: within the graceful timeout and a little. */
  stopTasks(ids: readonly TaskId[]): Promise<unknown>
  /** Of the connector and its tasks. */
  setTargetState(name: string, state: TargetState): Promise<void>
  /** Whether the instance is there and has not failed. */
  isRunning(name: string): boolean
  /** Within 500 ms; null where nothing is known. */
  taskProgress(id: TaskId): Promise<TaskProgress | null>
  /** Validates with any plug-in that has a `config()`, away from everything else and under a deadline. */
  validateConnector(descriptor: PluginDescriptor, properties: Properties): Promise<ValidationResult>
  pluginConfigDef(descriptor: PluginDescriptor): Promise<readonly ConfigKeyInfo[]>
  stop(): Promise<unknown>
}
