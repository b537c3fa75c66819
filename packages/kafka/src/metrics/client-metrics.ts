import { monotonicClock } from '../clock.ts'
import { type ClientMetric, MetricGroup, Spread, type Windows } from './metric-group.ts'

export interface ClientMetricsOptions {
  /** How the groups of this kind of client are called in Java: `producer-metrics` and so on. */
  readonly prefix: 'producer' | 'consumer' | 'admin-client' | 'connect'
  readonly clientId: string
  readonly windowMs: number
  readonly samples: number
}

/** What goes over connections: of one broker, or of all. */
export class Traffic {
  requests = 0
  bytesOut = 0
  responses = 0
  bytesIn = 0
  readonly requestBytes = new Spread()
  readonly latencyMs = new Spread()

  sent(bytes: number): void {
    this.requests++
    this.bytesOut += bytes
    this.requestBytes.record(bytes)
  }

  received(bytes: number, latencyMs: number): void {
    this.responses++
    this.bytesIn += bytes
    this.latencyMs.record(latencyMs)
  }

  /** Changes whenever something happens. */
  get activity(): number {
    return this.requests + this.responses
  }
}

/** Connections of a client, made, ended and authenticated. */
export class ConnectionCounts {
  created = 0
  closed = 0
  authenticated = 0
  refused = 0
  renewed = 0
  renewalRefused = 0
  readonly renewalMs = new Spread()
}

/** What one of several brokers or topics has metrics of. */
export interface Measured {
  /** Changes whenever something happens; who stands still for an hour is left out, as in Java. */
  readonly activity: number
}

interface Child<T extends Measured> {
  readonly measured: T
  readonly group: MetricGroup
  activity: number
  changedAt: number
}

/** How long a broker or topic without traffic keeps its metrics. */
const IDLE_MAX_MS = 3_600_000

/**
 * The metrics of one client. What is recorded are numbers beside requests and batches, never beside single records; rates and averages come into being when somebody
 * reads them.
 */
export class ClientMetrics {
  readonly traffic = new Traffic()
  readonly connections = new ConnectionCounts()
  readonly #prefix: ClientMetricsOptions['prefix']
  readonly #tags: Readonly<Record<string, string>>
  readonly #windows: Windows
  readonly #groups: MetricGroup[] = []
  readonly #children = new Map<string, Child<Measured>>()
  #rotatedAt: number

  constructor({ prefix, clientId, windowMs, samples }: ClientMetricsOptions) {
    this.#prefix = prefix
    this.#tags = { 'client-id': clientId }
    this.#windows = { windowMs, samples, startedAt: monotonicClock.now() }
    this.#rotatedAt = this.#windows.startedAt
    this.#describe()
  }

  /** As these, with nothing counted yet, for a client that Java calls otherwise. */
  as(prefix: ClientMetricsOptions['prefix']): ClientMetrics {
    return new ClientMetrics({ prefix, clientId: this.#tags['client-id'] ?? '', windowMs: this.#windows.windowMs, samples: this.#windows.samples })
  }

  /** The group of all that is not about a single broker, topic or partition, such as `producer-metrics`. @param name after the prefix. */
  group(name = 'metrics'): MetricGroup {
    const group = new MetricGroup(`${this.#prefix}-${name}`, this.#tags, this.#windows)
    this.#groups.push(group)
    return group
  }

  /** What is measured of one of several things, made when it is first asked for. @param make with the group that it describes itself in. */
  child<T extends Measured>(name: string, tags: Readonly<Record<string, string>>, make: (group: MetricGroup) => T): T {
    const key = keyOf(name, tags)
    const known = this.#children.get(key)
    if (known) return known.measured as T
    const group = new MetricGroup(`${this.#prefix}-${name}`, { ...this.#tags, ...tags }, this.#windows)
    const measured = make(group)
    this.#children.set(key, { measured, group, activity: measured.activity, changedAt: this.#rotatedAt })
    return measured
  }

  /** Leaves one of several out from now on. */
  forget(name: string, tags: Readonly<Record<string, string>>): void {
    this.#children.delete(keyOf(name, tags))
  }

  /** What goes to and comes from one broker. @param id negative for a bootstrap server. */
  node(id: number): Traffic {
    return this.child('node-metrics', { 'node-id': `node-${id}` }, (group) => {
      const traffic = new Traffic()
      describeTraffic(group, traffic)
      group.spread('request-latency', traffic.latencyMs)
      return traffic
    })
  }

  list(now: number): ClientMetric[] {
    this.rotate(now)
    return [...this.#groups, ...[...this.#children.values()].map(({ group }) => group)].flatMap((group) => group.list(now))
  }

  /** To be called now and then: begins the next window if the current one is over. */
  rotate(now: number): void {
    if (now - this.#rotatedAt < this.#windows.windowMs) return
    this.#rotatedAt = now
    for (const group of this.#groups) group.rotate(now)
    for (const [key, child] of this.#children) {
      const { activity } = child.measured
      if (activity !== child.activity) {
        child.activity = activity
        child.changedAt = now
      } else if (now - child.changedAt > IDLE_MAX_MS) this.#children.delete(key)
      child.group.rotate(now)
    }
  }

  #describe(): void {
    const { traffic, connections } = this
    const group = this.group()
    describeTraffic(group, traffic)
    group
      .meter('network-io', () => traffic.requests + traffic.responses)
      .meter('connection-creation', () => connections.created)
      .meter('connection-close', () => connections.closed)
      .gauge('connection-count', () => connections.created - connections.closed)
      .meter('successful-authentication', () => connections.authenticated)
      .meter('failed-authentication', () => connections.refused)
      .meter('successful-reauthentication', () => connections.renewed)
      .meter('failed-reauthentication', () => connections.renewalRefused)
      .spread('reauthentication-latency', connections.renewalMs)
  }
}

function keyOf(name: string, tags: Readonly<Record<string, string>>): string {
  return `${name} ${Object.values(tags).join(' ')}`
}

function describeTraffic(group: MetricGroup, traffic: Traffic): void {
  group
    .meter('request', () => traffic.requests)
    .meter('response', () => traffic.responses)
    .meter('outgoing-byte', () => traffic.bytesOut)
    .meter('incoming-byte', () => traffic.bytesIn)
    .spread('request-size', traffic.requestBytes)
}
