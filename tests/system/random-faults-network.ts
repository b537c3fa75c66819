import { setTimeout as delay } from 'node:timers/promises'
import type { Fault as BrokerFault, RequestFault } from '@millrace/broker'
import { ErrorCode } from '@millrace/kafka-protocol'
import type { FaultProxy, NetworkCondition } from '@millrace/testing'

export interface FaultMakerOptions {
  readonly proxy: FaultProxy
  /** Null where the broker cannot be told to fail. */
  readonly broker: { inject(fault: BrokerFault): void; clear(): void } | null
  /** Whose partitions change their leader. */
  readonly topics: readonly string[]
  readonly random: () => number
  readonly stop: AbortSignal
}

interface Fault {
  readonly name: string
  /** Of all faults, so many parts. */
  readonly weight: number
  act(): Promise<void> | void
}

/** How long the network is good between two faults, at most; milliseconds. */
const PEACE_MS_MAX = 1_200

/**
 * Lets network and broker fail, one time after the other, until it is stopped; then everything is good again.
 *
 * @returns how often each fault was made.
 */
export async function makeFaults({ proxy, broker, topics, random, stop }: FaultMakerOptions): Promise<ReadonlyMap<string, number>> {
  const made = new Map<string, number>()
  const faults = [...networkFaults(proxy, random, stop), ...(broker ? brokerFaults(broker, topics, random) : [])]
  try {
    while (!stop.aborted) {
      const fault = chosen(faults, random())
      made.set(fault.name, (made.get(fault.name) ?? 0) + 1)
      await fault.act()
      await pause(random() * PEACE_MS_MAX, stop)
    }
  } finally {
    proxy.restore()
    broker?.clear()
  }
  return made
}

function networkFaults(proxy: FaultProxy, random: () => number, stop: AbortSignal): Fault[] {
  const between = (min: number, max: number) => min + random() * (max - min)
  const condition = (name: string, weight: number, make: () => NetworkCondition, durationMsMax: number): Fault => ({
    name,
    weight,
    async act() {
      proxy.apply(make())
      await pause(between(50, durationMsMax), stop)
      proxy.restore()
    },
  })
  return [
    condition('silent', 3, () => ({ kind: 'silent', directions: 'both' }), 2_500),
    condition('silent to the client', 3, () => ({ kind: 'silent', directions: 'to-client' }), 2_500),
    condition('silent to the broker', 2, () => ({ kind: 'silent', directions: 'to-server' }), 2_500),
    condition('slow', 2, () => ({ kind: 'slow', delayMs: between(5, 150) }), 2_500),
    condition('narrow', 1, () => ({ kind: 'narrow', bytesPerSecond: between(20_000, 400_000) }), 2_000),
    condition('refusing', 1, () => ({ kind: 'refusing' }), 1_500),
    { name: 'reset', weight: 4, act: () => proxy.reset() },
    { name: 'abandoned', weight: 2, act: () => proxy.abandon() },
  ]
}

/** What each request may be answered with by a broker that is in order, and has to be tried again. */
const errorsByApi: { readonly [Api in RequestFault['api']]?: readonly number[] } = {
  Produce: [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.REQUEST_TIMED_OUT, ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
  Fetch: [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
  ListOffsets: [ErrorCode.LEADER_NOT_AVAILABLE, ErrorCode.NOT_LEADER_OR_FOLLOWER],
  FindCoordinator: [ErrorCode.COORDINATOR_NOT_AVAILABLE],
  Heartbeat: [ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR],
  JoinGroup: [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR],
  SyncGroup: [ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR],
  OffsetCommit: [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR],
  OffsetFetch: [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR],
  InitProducerId: [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR, ErrorCode.CONCURRENT_TRANSACTIONS],
  AddPartitionsToTxn: [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR, ErrorCode.CONCURRENT_TRANSACTIONS],
  AddOffsetsToTxn: [ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.CONCURRENT_TRANSACTIONS],
  TxnOffsetCommit: [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR],
  EndTxn: [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR, ErrorCode.CONCURRENT_TRANSACTIONS],
}

function brokerFaults(broker: NonNullable<FaultMakerOptions['broker']>, topics: readonly string[], random: () => number): Fault[] {
  const apis = Object.keys(errorsByApi) as (keyof typeof errorsByApi)[]
  const of = (name: string, make: (api: RequestFault['api']) => Omit<RequestFault, 'kind' | 'api' | 'times'>): Fault => ({
    name,
    weight: 3,
    act() {
      const api = picked(apis, random())
      broker.inject({ kind: 'request', api, times: 1 + Math.floor(random() * 3), ...make(api) })
    },
  })
  return [
    of('request dropped', () => ({ action: 'drop' })),
    of('answer lost', () => ({ action: 'lose-answer' })),
    of('request late', () => ({ action: 'delay', delayMs: random() * 1_500 })),
    {
      name: 'leader changed',
      weight: 2,
      act: () => broker.inject({ kind: 'leader-change', topic: picked(topics, random()), awayMs: random() * 800 }),
    },
    of('error', (api) => ({ action: 'error', errorCode: picked(errorsByApi[api] ?? [], random()) })),
  ]
}

function chosen(faults: readonly Fault[], random: number): Fault {
  let left = random * faults.reduce((sum, { weight }) => sum + weight, 0)
  return faults.find(({ weight }) => (left -= weight) < 0) ?? faults[0]!
}

function picked<T>(items: readonly T[], random: number): T {
  return items[Math.floor(random * items.length)]!
}

/** Ends early when it is stopped. */
async function pause(delayMs: number, stop: AbortSignal): Promise<void> {
  await delay(delayMs, undefined, { signal: stop }).catch(() => undefined)
}
