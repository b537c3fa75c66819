import { compareTexts } from './assignor.ts'
import { HashOrderedSet, partitionHash } from './java-hash-order.ts'
import { NO_GENERATION, type Place, type StickyAssignment, type StickyGroup } from './sticky-group.ts'

/**
 * Moving another partition than the one that is too much (`Movements.instead`) need not come to an end, and in Java it then goes on for ever. So the number of moves is
 * bounded, far above what groups need that come to an end.
 */
const MOVES_MIN = 1000

/**
 * Shares out a group whose members subscribe to different topics: everybody keeps what he has, what is left goes to who has least, and then partitions are moved for
 * as long as that makes the parts more equal.
 */
export function mixedAssignment(group: StickyGroup): StickyAssignment {
  return new MixedAssignment(group).make()
}

class MixedAssignment {
  readonly #group: StickyGroup
  readonly #topicsOf = new Map<string, readonly string[]>()
  readonly #membersOf: ReadonlyMap<string, readonly string[]>
  /** Topics with fewest subscribers first: there is least choice. */
  readonly #places: readonly Place[]
  /** Who had a partition before its last owner. */
  readonly #before: ReadonlyMap<Place, string>
  readonly #movements = new Movements()
  #loads: Loads
  #owners = new Map<Place, string>()
  #mustRevoke = false
  #movesLeft: number

  constructor(group: StickyGroup) {
    this.#group = group
    const membersOf = new Map([...group.topics.keys()].map((topic) => [topic, [] as string[]]))
    for (const { memberId, topics } of group.subscribers) {
      const existing = topics.filter((topic) => group.topics.has(topic))
      this.#topicsOf.set(memberId, existing)
      for (const topic of existing) membersOf.get(topic)!.push(memberId)
    }
    this.#membersOf = membersOf
    const topics = [...membersOf.keys()].sort((a, b) => membersOf.get(a)!.length - membersOf.get(b)!.length || compareTexts(a, b))
    this.#places = topics.flatMap((topic) => group.topics.get(topic)!)
    this.#movesLeft = MOVES_MIN + 4 * this.#places.length * group.subscribers.length
    this.#before = this.#earlierOwners()
    this.#loads = new Loads(new Map(group.subscribers.map(({ memberId }) => [memberId, new Set(this.#keptOf(memberId))])))
  }

  make(): StickyAssignment {
    const unassigned = this.#places.filter((place) => !this.#owners.has(place))
    const isFirst = this.#loads.largest === 0
    this.#giveToLeast(unassigned)

    // What only one member can have stays where it is, and so do members that have nothing else.
    const isMovable = ({ topic }: Place) => this.#membersOf.get(topic)!.length > 1
    const fixed = [...this.#topicsOf.keys()].filter((memberId) => !this.#canChange(memberId))
    const fixedParts = fixed.map((memberId) => [memberId, this.#loads.leaveOut(memberId)] as const)

    const loadsBefore = this.#loads.copy()
    if (!this.#mustRevoke) this.#balance(unassigned.filter(isMovable))
    const hasMoved = this.#balance(this.#places.filter(isMovable))
    if (!isFirst && hasMoved && this.#loads.imbalance() >= loadsBefore.imbalance()) this.#loads = loadsBefore
    return { partitions: new Map([...this.#loads.partitions, ...fixedParts]), moving: null }
  }

  /**
   * Claims of generations before the last one: who fell behind may get back what he had, unless he has left the topic. Java moves it to him nevertheless, for the time
   * being or for good, so that about one group in ten thousand with members of several generations comes out differently.
   */
  #earlierOwners(): Map<Place, string> {
    const { subscribers, claims } = this.#group
    const last = Math.max(...[...claims.values()].map(({ generation }) => generation ?? NO_GENERATION))
    const latest = new Map<Place, { readonly memberId: string; readonly since: number }>()
    for (const { memberId, topics } of subscribers) {
      const { partitions, generation } = claims.get(memberId)!
      const since = generation ?? NO_GENERATION
      if (since >= last) continue
      for (const place of this.#group.places(partitions)) {
        if (topics.includes(place.topic) && since > (latest.get(place)?.since ?? Number.NEGATIVE_INFINITY)) latest.set(place, { memberId, since })
      }
    }
    return new Map([...latest].map(([place, { memberId }]) => [place, memberId]))
  }

  #keptOf(memberId: string): Place[] {
    const topics = this.#topicsOf.get(memberId)!
    return [...this.#group.owned.get(memberId)!].filter((place) => {
      const isKept = topics.includes(place.topic) && !this.#group.racks.isFar(memberId, place)
      if (isKept) this.#owners.set(place, memberId)
      else this.#mustRevoke = true
      return isKept
    })
  }

  #giveToLeast(places: readonly Place[]): void {
    const { racks } = this.#group
    let left = places
    if (racks.matter) left = left.filter((place) => !this.#give(place, (memberId) => !racks.isFar(memberId, place)))
    for (const place of left) this.#give(place, () => true)
  }

  #give(place: Place, isWanted: (memberId: string) => boolean): boolean {
    const memberId = this.#loads.ascending().find((memberId) => this.#topicsOf.get(memberId)!.includes(place.topic) && isWanted(memberId))
    if (memberId === undefined) return false
    this.#loads.add(memberId, place)
    this.#owners.set(place, memberId)
    return true
  }

  /** Whether a member could get something more, or has something that another could get. */
  #canChange(memberId: string): boolean {
    const part = this.#loads.partitions.get(memberId)!
    if (part.size < this.#countMax(memberId)) return true
    return [...part].some(({ topic }) => this.#membersOf.get(topic)!.length > 1)
  }

  #countMax(memberId: string): number {
    return this.#topicsOf.get(memberId)!.reduce((sum, topic) => sum + this.#group.topics.get(topic)!.length, 0)
  }

  /** @returns whether anything was moved. */
  #balance(places: readonly Place[]): boolean {
    let hasMoved = false
    for (let goesOn = true; goesOn; ) {
      goesOn = false
      for (const place of places) {
        if (this.#movesLeft === 0 || this.#isBalanced()) break
        const target = this.#betterOwner(place)
        if (target === null) continue
        this.#move(place, target)
        hasMoved = goesOn = true
      }
    }
    return hasMoved
  }

  #betterOwner(place: Place): string | null {
    const load = this.#loads.of(this.#owners.get(place)!)
    const before = this.#before.get(place)
    if (before !== undefined && load > this.#loads.of(before) + 1) return before
    const least = this.#loads.ascending().find((memberId) => this.#topicsOf.get(memberId)!.includes(place.topic))!
    return load > this.#loads.of(least) + 1 ? least : null
  }

  /** Whether no partition could be moved to a member that then had not more than its owner. */
  #isBalanced(): boolean {
    if (this.#loads.smallest >= this.#loads.largest - 1) return true
    return this.#loads.ascending().every((memberId) => {
      const load = this.#loads.of(memberId)
      if (load === this.#countMax(memberId)) return true
      return this.#topicsOf
        .get(memberId)!
        .every((topic) => this.#group.topics.get(topic)!.every((place) => load + 1 >= this.#loads.of(this.#owners.get(place)!)))
    })
  }

  #move(place: Place, to: string): void {
    this.#movesLeft--
    const moved = this.#movements.instead(place, this.#owners.get(place)!, to)
    const from = this.#owners.get(moved)!
    this.#movements.note(moved, from, to)
    this.#loads.take(from, moved)
    this.#loads.add(to, moved)
    this.#owners.set(moved, to)
  }
}

/** What each member has, and who has least. */
class Loads {
  readonly partitions: Map<string, Set<Place>>
  #ascending: string[]

  constructor(partitions: Map<string, Set<Place>>) {
    this.partitions = partitions
    this.#ascending = [...partitions.keys()].sort((a, b) => this.#compare(a, b))
  }

  get smallest(): number {
    return this.of(this.#ascending[0]!)
  }

  get largest(): number {
    return this.of(this.#ascending.at(-1)!)
  }

  of(memberId: string): number {
    return this.partitions.get(memberId)!.size
  }

  /** The members, with least first; among equals by id. Valid until the next change. */
  ascending(): readonly string[] {
    return this.#ascending
  }

  add(memberId: string, place: Place): void {
    this.#change(memberId, (part) => part.add(place))
  }

  take(memberId: string, place: Place): void {
    this.#change(memberId, (part) => part.delete(place))
  }

  /** Leaves a member out from now on. @returns what it has. */
  leaveOut(memberId: string): Set<Place> {
    const part = this.partitions.get(memberId)!
    this.#ascending = this.#ascending.filter((other) => other !== memberId)
    this.partitions.delete(memberId)
    return part
  }

  copy(): Loads {
    return new Loads(new Map([...this.partitions].map(([memberId, part]) => [memberId, new Set(part)])))
  }

  /** By how much all pairs of members differ, in all. */
  imbalance(): number {
    const counts = [...this.partitions.values()].map(({ size }) => size)
    return counts.reduce((sum, count, i) => sum + counts.slice(i + 1).reduce((sum, other) => sum + Math.abs(count - other), 0), 0)
  }

  #change(memberId: string, change: (part: Set<Place>) => void): void {
    this.#ascending.splice(this.#ascending.indexOf(memberId), 1)
    change(this.partitions.get(memberId)!)
    const next = this.#ascending.findIndex((other) => this.#compare(memberId, other) < 0)
    this.#ascending.splice(next < 0 ? this.#ascending.length : next, 0, memberId)
  }

  #compare(a: string, b: string): number {
    return this.of(a) - this.of(b) || compareTexts(a, b)
  }
}

interface Movement {
  readonly from: string
  readonly to: string
}

/** What has been moved, so that two members do not exchange partitions of one topic for nothing. */
class Movements {
  readonly #movements = new Map<Place, Movement>()
  /** By topic and pair of members. */
  readonly #places = new Map<string, HashOrderedSet<Place>>()

  /** The partition to be moved instead: one of the same topic that came the opposite way, if there is one. */
  instead(place: Place, from: string, to: string): Place {
    const origin = this.#movements.get(place)?.from ?? from
    return this.#places.get(keyOf(place, { from: to, to: origin }))?.first() ?? place
  }

  /** Two movements of a partition become one, or none if it is back. */
  note(place: Place, from: string, to: string): void {
    const earlier = this.#movements.get(place)
    if (earlier) this.#forget(place, earlier)
    if (earlier?.from === to) return
    const movement = { from: earlier?.from ?? from, to }
    this.#movements.set(place, movement)
    const key = keyOf(place, movement)
    if (!this.#places.has(key)) this.#places.set(key, new HashOrderedSet(({ topic, partition }) => partitionHash(topic, partition)))
    this.#places.get(key)!.add(place)
  }

  #forget(place: Place, movement: Movement): void {
    const key = keyOf(place, movement)
    this.#movements.delete(place)
    this.#places.get(key)!.delete(place)
    if (this.#places.get(key)!.size === 0) this.#places.delete(key)
  }
}

function keyOf({ topic }: Place, { from, to }: Movement): string {
  return JSON.stringify([topic, from, to])
}
