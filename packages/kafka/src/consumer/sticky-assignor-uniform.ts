import { compareTexts } from './assignor.ts'
import type { Place, StickyAssignment, StickyGroup } from './sticky-group.ts'

/** Shares out a group whose members all subscribe to the same topics: everybody keeps what he has up to an equal part, and gets what is missing in turn. */
export function uniformAssignment(group: StickyGroup): StickyAssignment {
  return new UniformAssignment(group).make()
}

class UniformAssignment {
  readonly #group: StickyGroup
  readonly #partitions = new Map<string, Set<Place>>()
  readonly #moving = new Map<Place, string>()
  /** What its owner could not keep. */
  readonly #givenUp = new Map<Place, string>()
  readonly #countMin: number
  readonly #countMax: number
  /** How many members may still get one more than `#countMin`. */
  #larger: number
  /** Members with less than `#countMin`. */
  #below: string[] = []
  /** Members with `#countMin` that may get one more. */
  #full: string[] = []

  constructor(group: StickyGroup) {
    this.#group = group
    const members = group.subscribers.length
    const places = this.#places().length
    this.#countMin = Math.floor(places / members)
    this.#countMax = Math.ceil(places / members)
    this.#larger = places % members
  }

  make(): StickyAssignment {
    for (const { memberId } of this.#group.subscribers) this.#keepOwned(memberId)
    this.#below.sort(compareTexts)
    this.#full.sort(compareTexts)
    const kept = new Set([...this.#partitions.values()].flatMap((places) => [...places]))
    let unassigned = this.#group.racks.hardestFirst(this.#places().filter((place) => !kept.has(place)))
    if (this.#group.racks.matter) unassigned = this.#giveToNear(unassigned)
    this.#giveInTurn(unassigned)
    return { partitions: this.#partitions, moving: this.#moving }
  }

  #places(): Place[] {
    const { topics } = this.#group
    return [...topics.keys()].sort(compareTexts).flatMap((topic) => topics.get(topic)!)
  }

  #keepOwned(memberId: string): void {
    const owned: Place[] = []
    for (const place of this.#group.owned.get(memberId)!) {
      if (this.#group.racks.isFar(memberId, place)) this.#givenUp.set(place, memberId)
      else if (!this.#group.disputed.has(place)) owned.push(place)
    }
    owned.sort((a, b) => a.partition - b.partition || compareTexts(a.topic, b.topic))
    const count = this.#countToKeep(memberId, owned.length)
    this.#partitions.set(memberId, new Set(owned.slice(0, count)))
    for (const place of owned.slice(count)) this.#givenUp.set(place, memberId)
  }

  #countToKeep(memberId: string, owned: number): number {
    if (owned < this.#countMin) {
      this.#below.push(memberId)
      return owned
    }
    if (owned >= this.#countMax && this.#larger > 0) {
      this.#becomeLarger()
      return this.#countMax
    }
    if (this.#larger > 0) this.#full.push(memberId)
    return this.#countMin
  }

  #becomeLarger(): void {
    this.#larger--
    if (this.#larger === 0) this.#full = []
  }

  /** @returns what was not given. */
  #giveToNear(places: readonly Place[]): Place[] {
    let turn = 0
    return places.filter((place) => {
      const next = this.#nearFrom(turn, place)
      if (next >= 0) {
        const memberId = this.#below[next]!
        turn = this.#giveToBelow(place, memberId) ? next + 1 : next
        turn = this.#below.length === 0 ? 0 : turn % this.#below.length
        return false
      }
      const memberId = this.#full.find((memberId) => this.#group.racks.isNear(memberId, place))
      if (memberId === undefined) return true
      if (this.#give(place, memberId) === this.#countMax) {
        this.#full = this.#full.filter((other) => other !== memberId)
        this.#becomeLarger()
      }
      return false
    })
  }

  /** The first of `#below`, from this turn on, that is near; -1 if none is. */
  #nearFrom(turn: number, place: Place): number {
    for (let i = 0; i < this.#below.length; i++) {
      const index = (turn + i) % this.#below.length
      if (this.#group.racks.isNear(this.#below[index]!, place)) return index
    }
    return -1
  }

  /** @returns whether the member is still below. */
  #giveToBelow(place: Place, memberId: string): boolean {
    const count = this.#give(place, memberId)
    if (count < this.#countMin) return true
    this.#below = this.#below.filter((other) => other !== memberId)
    if (count < this.#countMax && this.#larger > 0) this.#full.push(memberId)
    return false
  }

  #giveInTurn(places: readonly Place[]): void {
    let turn = 0
    for (const place of places) {
      if (this.#below.length === 0) this.#give(place, this.#full.shift()!)
      else {
        if (turn >= this.#below.length) turn = 0
        const memberId = this.#below[turn]!
        if (this.#give(place, memberId) < this.#countMin) turn++
        else {
          this.#below.splice(turn, 1)
          this.#full.push(memberId)
        }
      }
    }
  }

  /** @returns how many the member has now. */
  #give(place: Place, memberId: string): number {
    const partitions = this.#partitions.get(memberId)!
    partitions.add(place)
    const before = this.#givenUp.get(place)
    if ((before !== undefined && before !== memberId) || this.#group.disputed.has(place)) this.#moving.set(place, memberId)
    return partitions.size
  }
}
