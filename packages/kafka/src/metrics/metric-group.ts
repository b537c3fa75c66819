/** One metric of a client under the name that it has in Java, as it is at the moment of reading. */
export interface ClientMetric {
  /** Such as `producer-metrics`. */
  readonly group: string
  readonly name: string
  /** `client-id`, and `node-id`, `topic` or `partition` where there are several. */
  readonly tags: Readonly<Record<string, string>>
  /** NaN where there is nothing to tell, such as the average of nothing. */
  readonly value: number
}

/** Over which time rates, averages and greatest values are taken: the current window and those before it (`metrics.sample.window.ms`, `metrics.num.samples`). */
export interface Windows {
  readonly windowMs: number
  readonly samples: number
  /** By the client's clock. */
  readonly startedAt: number
}

interface Source {
  readonly name: string
  read(now: number): number
}

interface PastWindow {
  readonly sum: number
  readonly count: number
  readonly max: number
  readonly min: number
}

/** Thousands of clients have a hundred metrics each, most of which never see a second window: what is empty is shared. */
const noWindows: readonly PastWindow[] = []

/** Sum, number, greatest and least of values that are measured now and then. Recording costs a few additions. */
export class Spread {
  #sum = 0
  #count = 0
  #max = Number.NEGATIVE_INFINITY
  #min = Number.POSITIVE_INFINITY
  /** Those of the windows that have passed and still count. */
  #past: readonly PastWindow[] = noWindows

  /** How many values there have been in all. */
  total = 0
  /** Their sum. */
  totalSum = 0

  /** @param value NaN is left out. */
  record(value: number): void {
    if (Number.isNaN(value)) return
    this.total++
    this.totalSum += value
    this.#sum += value
    this.#count++
    if (value > this.#max) this.#max = value
    if (value < this.#min) this.#min = value
  }

  get average(): number {
    let sum = this.#sum
    let count = this.#count
    for (const past of this.#past) {
      sum += past.sum
      count += past.count
    }
    return sum / count
  }

  get greatest(): number {
    let max = this.#max
    for (const past of this.#past) max = Math.max(max, past.max)
    return max === Number.NEGATIVE_INFINITY ? Number.NaN : max
  }

  get least(): number {
    let min = this.#min
    for (const past of this.#past) min = Math.min(min, past.min)
    return min === Number.POSITIVE_INFINITY ? Number.NaN : min
  }

  /** A window has passed. */
  rotate(samples: number): void {
    this.#past = samples > 1 ? [...this.#past, { sum: this.#sum, count: this.#count, max: this.#max, min: this.#min }].slice(1 - samples) : []
    this.#sum = 0
    this.#count = 0
    this.#max = Number.NEGATIVE_INFINITY
    this.#min = Number.POSITIVE_INFINITY
  }
}

/** A number that only grows, and how fast. */
class Growth {
  readonly #read: () => number
  readonly #windows: Windows
  /** What there was at the beginnings of the windows that still count; null: there has been no other than the first. */
  #past: readonly { readonly at: number; readonly value: number }[] | null = null

  constructor(windows: Windows, read: () => number) {
    this.#read = read
    this.#windows = windows
  }

  get total(): number {
    return this.#read()
  }

  /** For each millisecond. As in Java, what has just begun counts as if it had lasted for all windows but one. */
  rate(now: number): number {
    const { windowMs, samples, startedAt } = this.#windows
    const oldest = this.#past?.[0]
    return (this.total - (oldest?.value ?? 0)) / Math.max(1, windowMs * (samples - 1), now - (oldest?.at ?? startedAt))
  }

  rotate(now: number): void {
    const { samples, startedAt } = this.#windows
    this.#past = [...(this.#past ?? [{ at: startedAt, value: 0 }]), { at: now, value: this.total }].slice(-samples)
  }
}

/** The sources below are objects of classes: a function for each metric of each client would take several times as much. */
class Total implements Source {
  readonly name: string
  readonly #growth: Growth

  constructor(name: string, growth: Growth) {
    this.name = name
    this.#growth = growth
  }

  read(): number {
    return this.#growth.total
  }
}

class Rate implements Source {
  readonly name: string
  readonly #growth: Growth
  /** Of which time, in milliseconds. */
  readonly #per: number

  constructor(name: string, growth: Growth, per: number) {
    this.name = name
    this.#growth = growth
    this.#per = per
  }

  read(now: number): number {
    return this.#growth.rate(now) * this.#per
  }
}

type SpreadPart = 'avg' | 'max' | 'min'

class PartOfSpread implements Source {
  readonly name: string
  readonly #spread: Spread
  readonly #part: SpreadPart

  constructor(name: string, spread: Spread, part: SpreadPart) {
    this.name = name
    this.#spread = spread
    this.#part = part
  }

  read(): number {
    if (this.#part === 'avg') return this.#spread.average
    return this.#part === 'max' ? this.#spread.greatest : this.#spread.least
  }
}

const SECOND_MS = 1000
const HOUR_MS = 3_600_000

const names = new Map<string, string>()

/** The one instance of a name that thousands of clients have: each would keep its own copy otherwise, and readers could not tell at a glance that they are equal. */
function shared(name: string): string {
  const known = names.get(name)
  if (known === undefined) names.set(name, name)
  return known ?? name
}

/** Metrics of one group with the same tags. */
export class MetricGroup {
  readonly #group: string
  readonly #tags: Readonly<Record<string, string>>
  readonly #windows: Windows
  readonly #sources: Source[] = []
  readonly #spreads: Spread[] = []
  readonly #growths: Growth[] = []

  constructor(group: string, tags: Readonly<Record<string, string>>, windows: Windows) {
    this.#group = shared(group)
    this.#tags = tags
    this.#windows = windows
  }

  /** What is looked up at the moment of reading. */
  gauge(name: string, read: (now: number) => number): this {
    this.#sources.push({ name: shared(name), read })
    return this
  }

  /** A number that only grows: `…-total` and `…-rate`. @param options `perHour`: the rate is `…-rate-per-hour` instead of one for each second. */
  meter(base: string, read: () => number, { perHour = false }: { readonly perHour?: boolean } = {}): this {
    const growth = this.#growthOf(read)
    this.#sources.push(new Total(shared(`${base}-total`), growth))
    this.#sources.push(perHour ? new Rate(shared(`${base}-rate-per-hour`), growth, HOUR_MS) : new Rate(shared(`${base}-rate`), growth, SECOND_MS))
    return this
  }

  /** A number that only grows, as a rate alone. */
  rate(base: string, read: () => number): this {
    this.#sources.push(new Rate(shared(`${base}-rate`), this.#growthOf(read), SECOND_MS))
    return this
  }

  /** Averages and greatest values: `…-avg` and `…-max`, or others. */
  spread(base: string, spread: Spread, which: readonly SpreadPart[] = ['avg', 'max']): this {
    if (!this.#spreads.includes(spread)) this.#spreads.push(spread)
    for (const part of which) this.#sources.push(new PartOfSpread(shared(`${base}-${part}`), spread, part))
    return this
  }

  list(now: number): ClientMetric[] {
    return this.#sources.map((source) => ({ group: this.#group, name: source.name, tags: this.#tags, value: source.read(now) }))
  }

  #growthOf(read: () => number): Growth {
    const growth = new Growth(this.#windows, read)
    this.#growths.push(growth)
    return growth
  }

  /** @param windows how many have passed since the last call: rates are then taken over all of them, and older averages and greatest values forgotten. */
  rotate(now: number, windows = 1): void {
    for (const spread of this.#spreads) for (let window = 0; window < Math.min(windows, this.#windows.samples); window++) spread.rotate(this.#windows.samples)
    for (const growth of this.#growths) growth.rotate(now)
  }
}
