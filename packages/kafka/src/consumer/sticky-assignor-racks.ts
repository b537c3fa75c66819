import type { Subscriber } from './assignor.ts'
import { doRacksMatter } from './assignor-racks.ts'
import type { Place } from './sticky-group.ts'

/** Who is near to which partition (KIP-881). */
export class StickyRacks {
  /** Whether partitions are to be given to members near by. */
  readonly matter: boolean
  readonly #rackOf = new Map<string, string>()
  readonly #membersIn = new Map<string, number>()

  constructor(subscribers: readonly Subscriber[], places: readonly Place[]) {
    for (const { memberId, rackId } of subscribers) {
      if (!rackId) continue
      this.#rackOf.set(memberId, rackId)
      this.#membersIn.set(rackId, (this.#membersIn.get(rackId) ?? 0) + 1)
    }
    this.matter = doRacksMatter(
      [...this.#membersIn.keys()],
      places.map(({ racks }) => [...racks]),
    )
  }

  /** Whether the member has a rack, and the partition no replica in it. */
  isFar(memberId: string, place: Place): boolean {
    const rack = this.matter ? this.#rackOf.get(memberId) : undefined
    return rack !== undefined && !place.racks.has(rack)
  }

  /** Whether the member has a rack with a replica of the partition in it. */
  isNear(memberId: string, place: Place): boolean {
    const rack = this.#rackOf.get(memberId)
    return rack !== undefined && place.racks.has(rack)
  }

  /** The partitions with the fewest members near by first. */
  hardestFirst(places: readonly Place[]): Place[] {
    return [...places].sort((a, b) => this.#membersNear(a) - this.#membersNear(b))
  }

  #membersNear({ racks }: Place): number {
    let count = 0
    for (const rack of racks) count += this.#membersIn.get(rack) ?? 0
    return count
  }
}
