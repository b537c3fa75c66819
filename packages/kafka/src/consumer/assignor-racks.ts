import type { ReplicaRacks } from './assignor.ts'

/**
 * Whether it makes a difference who of these members gets which of these partitions (KIP-881): some members have a rack with replicas in it, and not every partition
 * has a replica in each rack.
 */
export function doRacksMatter(memberRacks: readonly string[], partitions: Iterable<ReplicaRacks>): boolean {
  const sets = [...partitions].map((racks) => new Set(racks))
  const all = new Set(sets.flatMap((racks) => [...racks]))
  return memberRacks.some((rack) => all.has(rack)) && sets.some((racks) => racks.size !== all.size)
}
