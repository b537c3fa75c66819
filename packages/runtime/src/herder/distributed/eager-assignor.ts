import type { TaskId } from '@millrace/rest-api'
import type { Workload } from './worker-group.ts'

export interface ConfiguredConnector {
  readonly name: string
  readonly tasks: readonly TaskId[]
}

/**
 * Shares everything out anew (`org.apache.kafka.connect.runtime.distributed.EagerAssignor`): in a circle of the sorted members, first the
 * connectors, then, going on in the circle, the tasks of each. Nobody has anything at that time.
 *
 * @param members their ids.
 * @returns what each member gets, by its id.
 */
export function assignEagerly(members: readonly string[], configured: readonly ConfiguredConnector[]): ReadonlyMap<string, Workload> {
  const circle = [...members].sort().map((memberId) => ({ memberId, connectors: [] as string[], tasks: [] as TaskId[] }))
  const sorted = [...configured].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  let turn = 0
  const next = () => circle[turn++ % circle.length]!
  for (const { name } of sorted) next().connectors.push(name)
  for (const { tasks } of sorted) for (const id of [...tasks].sort((a, b) => a.task - b.task)) next().tasks.push(id)
  return new Map(circle.map(({ memberId, connectors, tasks }) => [memberId, { connectors, tasks }]))
}
