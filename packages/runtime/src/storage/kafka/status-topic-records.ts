import type { TaskId } from '@millrace/rest-api'
import { jacksonText } from '../jackson-json.ts'
import type { ConnectorStatus, TaskStatus, TopicStatus } from '../status-store.ts'
import { taskIdOf } from './config-topic-records.ts'

/*
 * The records of the status topic, as `KafkaStatusBackingStore` writes them: keys are text, values JSON without schemas, or tombstones.
 *
 *   status-connector-NAME               {"state":…,"trace":…,"worker_id":…,"generation":…,"version":…}
 *   status-task-NAME-N                  as above
 *   status-topic-TOPIC:connector-NAME   {"topic":{"name":…,"connector":…,"task":…,"discoverTimestamp":…}}
 */

export function connectorStatusKey(connector: string): string {
  return `status-connector-${connector}`
}

export function taskStatusKey({ connector, task }: TaskId): string {
  return `status-task-${connector}-${task}`
}

export function topicStatusKey(topic: string, connector: string): string {
  return `status-topic-${topic}:connector-${connector}`
}

export function statusText({ state, trace, workerId, generation, version }: ConnectorStatus | TaskStatus): string {
  return jacksonText({ state, trace, worker_id: workerId, generation, version })
}

export function topicStatusText({ topic, connector, task, discoverTimestamp }: TopicStatus): string {
  return jacksonText({ topic: { name: topic, connector, task, discoverTimestamp } })
}

/** Whose status a key is about; null for none. */
export type StatusSubject =
  | { readonly kind: 'connector'; readonly connector: string }
  | { readonly kind: 'task'; readonly id: TaskId }
  | { readonly kind: 'topic'; readonly topic: string; readonly connector: string }

export function statusSubject(key: string): StatusSubject | null {
  const connector = /^status-connector-(.+)$/s.exec(key)
  if (connector) return { kind: 'connector', connector: connector[1]! }
  const task = /^status-task-(.+)$/s.exec(key)
  if (task) {
    const id = taskIdOf(task[1]!)
    return id && { kind: 'task', id }
  }
  // Names of topics hold no colon.
  const topic = /^status-topic-([^:]+):connector-(.+)$/s.exec(key)
  return topic && { kind: 'topic', topic: topic[1]!, connector: topic[2]! }
}

const connectorStates = new Set(['UNASSIGNED', 'RUNNING', 'PAUSED', 'STOPPED', 'FAILED', 'RESTARTING'])

/** Null where the value is no status. Workers before 4.1 write no version. */
export function parseStatus(value: Buffer): ConnectorStatus | null {
  const { state, trace = null, worker_id: workerId, generation, version = null } = fieldsOf(value)
  if (typeof state !== 'string' || !connectorStates.has(state) || typeof workerId !== 'string' || typeof generation !== 'number') return null
  return { state: state as ConnectorStatus['state'], trace: textOrNull(trace), workerId, generation, version: textOrNull(version) }
}

/** Null where the value is no status of a task. */
export function parseTaskStatus(value: Buffer): TaskStatus | null {
  const status = parseStatus(value)
  return status === null || status.state === 'STOPPED' ? null : { ...status, state: status.state }
}

export function parseTopicStatus(value: Buffer): TopicStatus | null {
  const { topic: inner } = fieldsOf(value)
  if (typeof inner !== 'object' || inner === null) return null
  const { name: topic, connector, task, discoverTimestamp } = inner as Record<string, unknown>
  if (typeof topic !== 'string' || typeof connector !== 'string' || typeof task !== 'number' || typeof discoverTimestamp !== 'number') return null
  return { topic, connector, task, discoverTimestamp }
}

function fieldsOf(value: Buffer): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(value.toString())
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    // Told by whoever misses the fields.
    return {}
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
