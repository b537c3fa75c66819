import type { TopicPartitions } from '@millrace/kafka-protocol'
import { rangeAssignment, type Subscriber } from './range-assignor.ts'
import { roundRobinAssignment } from './round-robin-assignor.ts'

type Assignor = (subscribers: readonly Subscriber[], partitionCounts: ReadonlyMap<string, number>) => ReadonlyMap<string, readonly TopicPartitions[]>

/** By the names that go over the wire. */
export const assignors = { range: rangeAssignment, roundrobin: roundRobinAssignment } as const satisfies Readonly<Record<string, Assignor>>

export type AssignorName = keyof typeof assignors

const classes: ReadonlyMap<string, AssignorName> = new Map([
  ['RangeAssignor', 'range'],
  ['RoundRobinAssignor', 'roundrobin'],
])

/** The assignor that stands for a Java class, named in full or not; null for one that is not supported. */
export function assignorByClass(name: string): AssignorName | null {
  if (Object.hasOwn(assignors, name)) return name as AssignorName
  return classes.get(name.replace(/^org\.apache\.kafka\.clients\.consumer\./, '')) ?? null
}
