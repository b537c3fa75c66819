import type { Assignor } from './assignor.ts'
import { rangeAssignor } from './range-assignor.ts'
import { roundRobinAssignor } from './round-robin-assignor.ts'
import { cooperativeStickyAssignor, stickyAssignor } from './sticky-assignor.ts'

/** By the names that go over the wire. */
export const assignors = {
  range: rangeAssignor,
  roundrobin: roundRobinAssignor,
  sticky: stickyAssignor,
  'cooperative-sticky': cooperativeStickyAssignor,
} as const satisfies Readonly<Record<string, Assignor>>

export type AssignorName = keyof typeof assignors

const classes: ReadonlyMap<string, AssignorName> = new Map([
  ['RangeAssignor', 'range'],
  ['RoundRobinAssignor', 'roundrobin'],
  ['StickyAssignor', 'sticky'],
  ['CooperativeStickyAssignor', 'cooperative-sticky'],
])

/** The assignor that stands for a Java class, named in full or not; null for a class that is not Kafka's own. */
export function assignorByClass(name: string): AssignorName | null {
  if (Object.hasOwn(assignors, name)) return name as AssignorName
  return classes.get(name.replace(/^org\.apache\.kafka\.clients\.consumer\./, '')) ?? null
}

/** Whether members that offer these assignors rebalance cooperatively: only if each of them can (KIP-429). */
export function isCooperative(names: readonly AssignorName[]): boolean {
  return names.every((name) => assignors[name].isCooperative)
}
