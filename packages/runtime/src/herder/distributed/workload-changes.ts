import { taskKey } from './incremental-cooperative-assignor.ts'
import type { Workload } from './worker-group.ts'

export interface WorkloadChanges {
  readonly start: Workload
  readonly stop: Workload
}

/** What has to be started and stopped so that a worker runs what it was given, and nothing else. */
export function workloadChanges(running: Workload, assigned: Workload): WorkloadChanges {
  return { start: without(assigned, running), stop: without(running, assigned) }
}

/** Those of a workload that belong to one of these connectors. */
export function workOf(connectors: ReadonlySet<string>, work: Workload): Workload {
  return { connectors: work.connectors.filter((name) => connectors.has(name)), tasks: work.tasks.filter(({ connector }) => connectors.has(connector)) }
}

export function isEmptyWorkload({ connectors, tasks }: Workload): boolean {
  return connectors.length === 0 && tasks.length === 0
}

/** `3 connectors and 5 tasks`, for the log. */
export function workloadText({ connectors, tasks }: Workload): string {
  return `${counted(connectors.length, 'connector')} and ${counted(tasks.length, 'task')}`
}

function without(all: Workload, others: Workload): Workload {
  const connectors = new Set(others.connectors)
  const tasks = new Set(others.tasks.map(taskKey))
  return { connectors: all.connectors.filter((name) => !connectors.has(name)), tasks: all.tasks.filter((id) => !tasks.has(taskKey(id))) }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
