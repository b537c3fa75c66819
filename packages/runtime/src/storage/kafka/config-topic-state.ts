import type { TaskId } from '@millrace/rest-api'
import type {
  ClusterConfigSnapshot,
  ConfigStoreListener,
  SessionKey,
  StoredConnectorConfig,
  StoredRestartRequest,
  StoredTaskConfig,
  TargetState,
} from '../config-store.ts'
import type { ConfigTopicRecord } from './config-topic-records.ts'

/** What is known of a connector. Never changed, only replaced. */
interface ConnectorEntry {
  /** Null for one that was removed, or whose other records came first. */
  readonly config: StoredConnectorConfig | null
  readonly targetState: TargetState | null
  /** Of the last complete set. */
  readonly tasks: readonly StoredTaskConfig[]
  readonly appliedConfig: StoredConnectorConfig | null
  /** Written, and not committed yet. */
  readonly deferred: ReadonlyMap<number, StoredTaskConfig>
  readonly isInconsistent: boolean
  readonly generation: number | null
  readonly taskCountRecord: number | null
  readonly isPendingFencing: boolean
}

const nothingKnown: ConnectorEntry = {
  config: null,
  targetState: null,
  tasks: [],
  appliedConfig: null,
  deferred: new Map(),
  isInconsistent: false,
  generation: null,
  taskCountRecord: null,
  isPendingFencing: false,
}

/** What a record means to those who follow the topic: a call of the listener. */
export type ConfigChange = (listener: ConfigStoreListener) => void

/** A record says something that cannot be meant. It is left out. */
export class ConfigRecordError extends Error {}

/**
 * The state that the records of the config topic add up to. Records that were compacted away leave gaps: a set of tasks counts only where it is
 * complete, and what belongs to a connector that is gone is dropped.
 */
export class ConfigTopicState {
  #connectors = new Map<string, ConnectorEntry>()
  #sessionKey: SessionKey | null = null
  #offset = -1
  #snapshot: TopicSnapshot | null = null

  /** @param offset after the record. @returns what to tell, or null. @throws ConfigRecordError for a record that is left out. */
  apply(record: ConfigTopicRecord, offset: number): ConfigChange | null {
    this.skipped(offset)
    switch (record.kind) {
      case 'connector':
        return record.value === null ? this.#removed(record.connector) : this.#configured(record.connector, record.value)
      case 'target state':
        return record.value === null ? this.#targetStateRemoved(record.connector) : this.#targetState(record.connector, record.value)
      case 'task':
        return this.#task(record.id, record.value)
      case 'commit':
        return this.#committed(record.connector, record.value)
      case 'task count':
        return this.#taskCount(record.connector, record.value)
      case 'session key':
        return this.#newSessionKey(record.value)
      case 'restart':
        return restartRequest(record.connector, record.value)
      case 'logger level':
        return loggerLevel(record.namespace, record.value)
    }
  }

  /** A record that nobody understands was read. */
  skipped(offset: number): void {
    this.#offset = offset
    this.#snapshot = null
  }

  snapshot(): ClusterConfigSnapshot {
    this.#snapshot ??= new TopicSnapshot(new Map(this.#connectors), this.#sessionKey, this.#offset)
    return this.#snapshot
  }

  #entry(connector: string): ConnectorEntry {
    return this.#connectors.get(connector) ?? nothingKnown
  }

  #update(connector: string, change: Partial<ConnectorEntry>): void {
    this.#connectors.set(connector, { ...this.#entry(connector), ...change })
  }

  #configured(connector: string, value: unknown): ConfigChange {
    const config = propertiesOf(value, `configuration for connector '${connector}'`)
    this.#update(connector, { config, targetState: this.#entry(connector).targetState ?? 'STARTED' })
    return (listener) => listener.connectorConfigUpdated(connector)
  }

  /** The target state has a tombstone of its own. */
  #removed(connector: string): ConfigChange {
    const { targetState, taskCountRecord, generation, isPendingFencing } = this.#entry(connector)
    // Named anew later, it is a new connector: it goes to the end.
    this.#connectors.delete(connector)
    if (targetState !== null || taskCountRecord !== null || generation !== null) {
      this.#update(connector, { targetState, taskCountRecord, generation, isPendingFencing })
    }
    return (listener) => listener.connectorConfigRemoved(connector)
  }

  #targetState(connector: string, value: unknown): ConfigChange | null {
    const fields = fieldsOf(value, `target state for connector '${connector}'`)
    const written = typeof fields['state.v2'] === 'string' ? fields['state.v2'] : fields.state
    if (written !== 'STARTED' && written !== 'PAUSED' && written !== 'STOPPED') {
      throw new ConfigRecordError(`Invalid target state for connector '${connector}': ${String(written)}`)
    }
    const before = this.#entry(connector)
    this.#update(connector, { targetState: written })
    return before.config === null || before.targetState === written ? null : (listener) => listener.targetStateChanged(connector)
  }

  #targetStateRemoved(connector: string): null {
    const { config, taskCountRecord, generation, deferred } = this.#entry(connector)
    if (config === null && taskCountRecord === null && generation === null && deferred.size === 0) this.#connectors.delete(connector)
    // A connector always has one.
    else this.#update(connector, { targetState: config === null ? null : 'STARTED' })
    return null
  }

  #task({ connector, task }: TaskId, value: unknown): null {
    const config = propertiesOf(value, `config of task ${connector}-${task}`) as StoredTaskConfig
    this.#update(connector, { deferred: new Map(this.#entry(connector).deferred).set(task, config) })
    return null
  }

  #committed(connector: string, value: unknown): ConfigChange | null {
    const before = this.#entry(connector)
    // The connector was deleted before its tasks were published, and compaction has removed every other trace of it.
    if (before.config === null) {
      this.#removed(connector)
      return null
    }
    const count = integerOf(value, 'tasks', `tasks configuration commit for connector '${connector}'`)
    const { deferred } = before
    const configs = Array.from({ length: count }, (_, task) => deferred.get(task))
    const isComplete = configs.every((config) => config !== undefined)
    const replaced = Math.max(before.tasks.length, count)
    this.#update(connector, {
      deferred: new Map(),
      // Task configurations that appear after the last record of their number need a round of fencing before tasks start in exactly-once mode.
      isPendingFencing: true,
      isInconsistent: !isComplete,
      ...(isComplete
        ? { tasks: configs, appliedConfig: before.config, ...(deferred.size > 0 ? { generation: (before.generation ?? -1) + 1 } : {}) }
        : { tasks: [] }),
    })
    const ids = Array.from({ length: replaced }, (_, task) => ({ connector, task }))
    return (listener) => listener.taskConfigsUpdated(ids)
  }

  #taskCount(connector: string, value: unknown): null {
    const taskCountRecord = integerOf(value, 'task-count', `task count record for connector '${connector}'`)
    this.#update(connector, { taskCountRecord, isPendingFencing: false })
    return null
  }

  #newSessionKey(value: unknown): ConfigChange {
    const { key, algorithm, 'creation-timestamp': creationTimestamp } = fieldsOf(value, 'session key')
    if (typeof key !== 'string' || typeof algorithm !== 'string' || typeof creationTimestamp !== 'number') {
      throw new ConfigRecordError("Invalid data for session key: it needs the fields 'key', 'algorithm' and 'creation-timestamp'")
    }
    const sessionKey = { key: Buffer.from(key, 'base64'), algorithm, creationTimestamp }
    this.#sessionKey = sessionKey
    return (listener) => listener.sessionKeyUpdated(sessionKey)
  }
}

function restartRequest(connector: string, value: unknown): ConfigChange {
  const fields = fieldsOf(value, `restart request for connector '${connector}'`)
  const request: StoredRestartRequest = { connector, includeTasks: fields['include-tasks'] === true, onlyFailed: fields['only-failed'] === true }
  return (listener) => listener.restartRequested(request)
}

function loggerLevel(namespace: string, value: unknown): ConfigChange {
  const { level } = fieldsOf(value, `logging level for namespace ${namespace}`)
  if (typeof level !== 'string') throw new ConfigRecordError(`Invalid data for logging level of namespace ${namespace}: 'level' is no text`)
  return (listener) => listener.loggerLevelUpdated(namespace, level)
}

function fieldsOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new ConfigRecordError(`Ignoring ${what} because it is ${value === null ? 'unexpectedly null' : 'in the wrong format'}`)
}

function propertiesOf(value: unknown, what: string): StoredConnectorConfig {
  const { properties } = fieldsOf(value, what)
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) {
    throw new ConfigRecordError(`Invalid data for ${what}: 'properties' field should be a Map`)
  }
  const texts = Object.entries(properties).map(([key, text]) => [key, text === null || typeof text === 'string' ? text : String(text)])
  return Object.fromEntries(texts) as StoredConnectorConfig
}

function integerOf(value: unknown, field: string, what: string): number {
  const number = fieldsOf(value, what)[field]
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0) return number
  throw new ConfigRecordError(`Invalid data for ${what}: '${field}' is no count`)
}

class TopicSnapshot implements ClusterConfigSnapshot {
  readonly offset: number
  readonly sessionKey: SessionKey | null
  readonly #connectors: ReadonlyMap<string, ConnectorEntry>

  constructor(connectors: ReadonlyMap<string, ConnectorEntry>, sessionKey: SessionKey | null, offset: number) {
    this.#connectors = connectors
    this.sessionKey = sessionKey
    this.offset = offset
  }

  connectors(): readonly string[] {
    return [...this.#connectors].filter(([, { config }]) => config !== null).map(([connector]) => connector)
  }

  contains(connector: string): boolean {
    return this.#known(connector) !== null
  }

  connectorConfig(connector: string): StoredConnectorConfig | null {
    return this.#known(connector)?.config ?? null
  }

  targetState(connector: string): TargetState | null {
    return this.#known(connector)?.targetState ?? null
  }

  tasks(connector: string): readonly TaskId[] {
    return (this.#known(connector)?.tasks ?? []).map((_, task) => ({ connector, task }))
  }

  taskConfig(id: TaskId): StoredTaskConfig | null {
    return this.#known(id.connector)?.tasks[id.task] ?? null
  }

  appliedConnectorConfig(connector: string): StoredConnectorConfig | null {
    return this.#known(connector)?.appliedConfig ?? null
  }

  inconsistentConnectors(): readonly string[] {
    return [...this.#connectors].filter(([, { config, isInconsistent }]) => config !== null && isInconsistent).map(([connector]) => connector)
  }

  taskConfigGeneration(connector: string): number | null {
    return this.#known(connector)?.generation ?? null
  }

  taskCountRecord(connector: string): number | null {
    return this.#connectors.get(connector)?.taskCountRecord ?? null
  }

  isPendingFencing(connector: string): boolean {
    return this.#known(connector)?.isPendingFencing ?? false
  }

  #known(connector: string): ConnectorEntry | null {
    const entry = this.#connectors.get(connector)
    return entry === undefined || entry.config === null ? null : entry
  }
}
