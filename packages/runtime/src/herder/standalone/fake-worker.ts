import type { ConfigDef, Plugin, Properties } from '@millrace/api'
import type { TaskId } from '@millrace/rest-api'
import { configKeyInfo, configText } from '../../config/config-key-info.ts'
import { loadPlugin } from '../../plugins/load-plugin.ts'
import type { WorkerListener } from '../../worker/worker-listener.ts'
import type { HerderWorker } from '../herder-worker.ts'

/** For tests of herders: does nothing but note what it was asked for, and reports the states that follow from it. */
export class FakeWorker implements HerderWorker {
  readonly listener: WorkerListener
  /** What was asked, in order: `start-connector a STARTED`. */
  readonly calls: string[] = []
  readonly connectorConfigs = new Map<string, Properties>()
  readonly taskConfigs = new Map<string, Properties>()
  /** What `connectorTaskConfigs` gives; default: one task with the connector's own configuration. */
  makeTaskConfigs: (name: string, config: Properties) => readonly Properties[] = (_, config) => [{ ...config, 'task.class': 'FakeTask' }]
  /** Set to have the next start of a connector fail. */
  connectorFailure: Error | null = null
  /** Set to have starts of tasks fail. */
  taskFailure: Error | null = null
  abandonedHosts: readonly string[] = []

  constructor(listener: WorkerListener) {
    this.listener = listener
  }

  async startConnector(name: string, config: Properties, targetState: string): Promise<void> {
    this.calls.push(`start-connector ${name} ${targetState}`)
    if (this.connectorFailure !== null) {
      const error = this.connectorFailure
      this.connectorFailure = null
      this.listener.connectorState(name, 'FAILED', {
        code: 'FAILURE',
        javaClass: 'X',
        message: error.message,
        isRetriable: false,
        trace: `X: ${error.message}\n`,
      })
      throw error
    }
    this.connectorConfigs.set(name, config)
    this.listener.connectorState(name, targetState === 'STARTED' ? 'RUNNING' : (targetState as 'PAUSED' | 'STOPPED'), null)
  }

  async stopConnector(name: string): Promise<void> {
    this.calls.push(`stop-connector ${name}`)
    if (this.connectorConfigs.delete(name)) this.listener.connectorState(name, 'UNASSIGNED', null)
  }

  async connectorTaskConfigs(name: string, config: Properties): Promise<Properties[]> {
    this.calls.push(`task-configs ${name}`)
    return [...this.makeTaskConfigs(name, config)]
  }

  async startTask(id: TaskId, _connectorConfig: Properties, taskConfig: Properties, targetState: string): Promise<void> {
    this.calls.push(`start-task ${id.connector}-${id.task} ${targetState}`)
    if (this.taskFailure !== null) throw this.taskFailure
    this.taskConfigs.set(`${id.connector}-${id.task}`, taskConfig)
    this.listener.taskState(id, targetState === 'STARTED' ? 'RUNNING' : 'PAUSED', null)
  }

  async stopTasks(ids: readonly TaskId[]): Promise<ReadonlyMap<string, never>> {
    this.calls.push(`stop-tasks ${ids.map((id) => `${id.connector}-${id.task}`).join(' ')}`)
    for (const id of ids) if (this.taskConfigs.delete(`${id.connector}-${id.task}`)) this.listener.taskState(id, 'UNASSIGNED', null)
    return new Map<string, never>()
  }

  async setTargetState(name: string, state: string): Promise<void> {
    this.calls.push(`target-state ${name} ${state}`)
    const reported = state === 'STARTED' ? 'RUNNING' : (state as 'PAUSED' | 'STOPPED')
    this.listener.connectorState(name, reported, null)
    if (reported === 'STOPPED') return
    for (const task of this.taskConfigs.keys()) {
      if (task.startsWith(`${name}-`)) this.listener.taskState({ connector: name, task: Number(task.slice(name.length + 1)) }, reported, null)
    }
  }

  forgetTopics(name: string): void {
    this.calls.push(`forget-topics ${name}`)
  }

  isRunning(name: string): boolean {
    return this.connectorConfigs.has(name)
  }

  async taskProgress(): Promise<null> {
    return null
  }

  /** Runs the plug-in right here. */
  async validateConnector(descriptor: Parameters<HerderWorker['validateConnector']>[0], properties: Properties): ReturnType<HerderWorker['validateConnector']> {
    const definition = await definitionOf(descriptor)
    return {
      configKeys: [...definition.keys.values()].map((key) => configKeyInfo(key)),
      groups: [...definition.groups],
      values: definition.validate(properties).values.map(({ name, value, recommendedValues, errorMessages, visible }) => ({
        name,
        value: configText(value, definition.keys.get(name)?.type ?? null),
        recommendedValues: recommendedValues.map(String),
        errorMessages,
        visible,
      })),
    }
  }

  async pluginConfigDef(descriptor: Parameters<HerderWorker['pluginConfigDef']>[0]): ReturnType<HerderWorker['pluginConfigDef']> {
    return [...(await definitionOf(descriptor)).keys.values()].map((key) => configKeyInfo(key))
  }

  threads(): ReturnType<HerderWorker['threads']> {
    return this.abandonedHosts.length === 0 ? [] : [{ kind: 'task', state: 'abandoned', hosts: this.abandonedHosts, usedBytes: 0 }]
  }

  async stop(): Promise<void> {
    this.calls.push('stop')
  }
}

async function definitionOf(descriptor: Parameters<HerderWorker['pluginConfigDef']>[0]): Promise<ConfigDef> {
  return (new (await loadPlugin(descriptor))() as Plugin).config()
}
