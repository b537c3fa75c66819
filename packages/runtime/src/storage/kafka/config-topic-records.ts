import { jacksonText } from '../jackson-json.ts'
import type { SessionKey, StoredConnectorConfig, StoredRestartRequest, StoredTaskConfig, TargetState } from '../config-store.ts'
import type { TaskId } from '@millrace/rest-api'
import type { LogEntry } from './kafka-based-log.ts'

/*
 * The records of the config topic, as `KafkaConfigBackingStore` writes them: keys are text, values JSON without schemas.
 *
 *   connector-NAME           {"properties":{…}}, or a tombstone
 *   task-NAME-N              {"properties":{…}}; counts once committed
 *   commit-NAME              {"tasks":N}
 *   target-state-NAME        {"state":…,"state.v2":…}, or a tombstone
 *   tasks-fencing-NAME       {"task-count":N}
 *   restart-connector-NAME   {"include-tasks":…,"only-failed":…}
 *   logger-cluster-NAME      {"level":…}
 *   session-key              {"key":…,"algorithm":…,"creation-timestamp":…}
 */

export function connectorEntry(connector: string, config: StoredConnectorConfig): LogEntry {
  return { key: `connector-${connector}`, value: jacksonText({ properties: config }) }
}

export function connectorTombstone(connector: string): LogEntry {
  return { key: `connector-${connector}`, value: null }
}

export function taskEntry({ connector, task }: TaskId, config: StoredTaskConfig): LogEntry {
  return { key: `task-${connector}-${task}`, value: jacksonText({ properties: config }) }
}

export function commitEntry(connector: string, tasks: number): LogEntry {
  return { key: `commit-${connector}`, value: jacksonText({ tasks }) }
}

/** Workers before 3.5 know nothing of STOPPED and read `state`. */
export function targetStateEntry(connector: string, state: TargetState): LogEntry {
  return { key: `target-state-${connector}`, value: jacksonText({ state: state === 'STOPPED' ? 'PAUSED' : state, 'state.v2': state }) }
}

export function targetStateTombstone(connector: string): LogEntry {
  return { key: `target-state-${connector}`, value: null }
}

export function taskCountEntry(connector: string, count: number): LogEntry {
  return { key: `tasks-fencing-${connector}`, value: jacksonText({ 'task-count': count }) }
}

export function restartEntry({ connector, includeTasks, onlyFailed }: StoredRestartRequest): LogEntry {
  return { key: `restart-connector-${connector}`, value: jacksonText({ 'include-tasks': includeTasks, 'only-failed': onlyFailed }) }
}

export function loggerLevelEntry(namespace: string, level: string): LogEntry {
  return { key: `logger-cluster-${namespace}`, value: jacksonText({ level }) }
}

export function sessionKeyEntry({ key, algorithm, creationTimestamp }: SessionKey): LogEntry {
  return { key: 'session-key', value: jacksonText({ key: key.toString('base64'), algorithm, 'creation-timestamp': creationTimestamp }) }
}

/** A record of the config topic, understood. Values are as JSON has them; null is a tombstone. */
export type ConfigTopicRecord =
  | { readonly kind: 'connector' | 'target state' | 'commit' | 'restart' | 'task count'; readonly connector: string; readonly value: unknown }
  | { readonly kind: 'task'; readonly id: TaskId; readonly value: unknown }
  | { readonly kind: 'session key'; readonly value: unknown }
  | { readonly kind: 'logger level'; readonly namespace: string; readonly value: unknown }

/** In the order in which the original looks for them. */
const kindsByPrefix = [
  ['target-state-', 'target state'],
  ['connector-', 'connector'],
  ['task-', 'task'],
  ['commit-', 'commit'],
  ['restart-connector-', 'restart'],
  ['tasks-fencing-', 'task count'],
] as const

/** @returns null for a key that is none of these. */
export function configTopicRecord(key: string, value: unknown): ConfigTopicRecord | null {
  for (const [prefix, kind] of kindsByPrefix) {
    if (!key.startsWith(prefix)) continue
    const name = key.slice(prefix.length)
    if (kind !== 'task') return { kind, connector: name, value }
    const id = taskIdOf(name)
    return id && { kind, id, value }
  }
  if (key === 'session-key') return { kind: 'session key', value }
  if (key.startsWith('logger-cluster-')) return { kind: 'logger level', namespace: key.slice('logger-cluster-'.length), value }
  return null
}

/** `NAME-N`, where the name may hold dashes itself. */
export function taskIdOf(text: string): TaskId | null {
  const match = /^(.+)-(\d{1,9})$/s.exec(text)
  return match && { connector: match[1]!, task: Number(match[2]) }
}
