import { setTimeout as delay } from 'node:timers/promises'
import { startBrokerThread } from '@millrace/broker'
import { Admin, Consumer, silentLogger as logger } from '@millrace/kafka'
import { FaultProxy, randomBySeed, waitFor } from '@millrace/testing'
import { startKafkaServer } from '../servers/kafka-server.ts'
import { COPIES, Copier, checkNumbers, ORDERS, PARTITIONS, Reader, type SharedState, sendOrders } from './random-faults-clients.ts'
import { type FaultMakerOptions, makeFaults } from './random-faults-network.ts'

/** A broker that advertises a proxy. */
export interface ProxiedBroker {
  readonly name: string
  start(options: { readonly folder: string; readonly proxy: FaultProxy }): Promise<{
    /** Around the proxy. */
    readonly bootstrapServers: string
    readonly faults: FaultMakerOptions['broker']
    stop(): Promise<unknown>
  }>
}

export const embedded: ProxiedBroker = {
  name: 'embedded broker',
  async start({ folder, proxy }) {
    const properties = { 'advertised.listeners': `PLAINTEXT://${proxy.host}:${proxy.port}` }
    const broker = await startBrokerThread({ port: 0, dataDir: folder, logger, properties })
    proxy.target = broker
    return { bootstrapServers: `${broker.host}:${broker.port}`, faults: broker.faults, stop: () => broker.close() }
  },
}

export const apacheKafka: ProxiedBroker = {
  name: 'Apache Kafka',
  async start({ folder, proxy }) {
    const kafka = await startKafkaServer({ folder, proxyPorts: [proxy.port] })
    proxy.target = { host: kafka.host, port: kafka.clientPorts[0]! }
    return { bootstrapServers: kafka.bootstrapServers, faults: null, stop: () => kafka.killAtOnce() }
  },
}

export interface RandomFaultsOptions {
  readonly under: ProxiedBroker
  readonly folder: string
  readonly seed: number
  /** How long faults are made. */
  readonly durationMs: number
}

export interface RandomFaultsResult {
  /** What must not have happened, and has. */
  readonly violations: readonly string[]
  /** For each partition. */
  readonly records: number
  readonly transactions: number
  readonly restarts: number
  readonly rebalances: number
  readonly faults: Readonly<Record<string, number>>
  readonly errors: Readonly<Record<string, number>>
  /** How long everybody needed after the last fault. */
  readonly recoveryMs: number
}

const RECOVERY_DEADLINE_MS = 90_000

/**
 * An idempotent producer, two members of a group and two transactional copiers, behind a network and a broker that fail at random by seed. When the faults are over,
 * everything that was sent has to be there once and in order, and to have been read and copied.
 */
export async function runRandomFaults({ under, folder, seed, durationMs }: RandomFaultsOptions): Promise<RandomFaultsResult> {
  const proxy = await FaultProxy.listen()
  const broker = await under.start({ folder, proxy })
  const [stopFaults, stopSending, stopReading] = [new AbortController(), new AbortController(), new AbortController()]
  const state: SharedState = {
    bootstrapServers: `${proxy.host}:${proxy.port}`,
    stopSending: stopSending.signal,
    stopReading: stopReading.signal,
    violations: [],
    errors: new Map(),
  }
  const read = new Array<number>(PARTITIONS).fill(0)
  const readers = [new Reader(state, read), new Reader(state, read)]
  const copiers = [new Copier(state, 'copier-1'), new Copier(state, 'copier-2')]
  const clients: Promise<unknown>[] = []
  try {
    await createTopics(broker.bootstrapServers)
    const sending = sendOrders(state)
    clients.push(sending, ...readers.map((reader) => reader.run()), ...copiers.map((copier) => copier.run()))
    const failing = makeFaults({ proxy, broker: broker.faults, topics: [ORDERS, COPIES], random: randomBySeed(seed), stop: stopFaults.signal })
    await delay(durationMs)
    stopFaults.abort()
    const faults = await failing
    const endedAt = performance.now()
    stopSending.abort()
    const records = await sending
    const isDone = async () => read.every((count) => count === records) && (await copied(broker.bootstrapServers)).every((offset) => offset === records)
    await waitFor(isDone, {
      what: `${records} records of each partition to be read and copied`,
      deadlineMs: RECOVERY_DEADLINE_MS,
      intervalMs: 100,
      describe: async () => ({
        seed,
        read,
        copied: await copied(broker.bootstrapServers),
        violations: state.violations.slice(0, 20),
        errors: Object.fromEntries(state.errors),
      }),
    })
    const recoveryMs = Math.round(performance.now() - endedAt)
    stopReading.abort()
    await Promise.all(clients)
    for (const topic of [ORDERS, COPIES]) state.violations.push(...(await checkNumbers(broker.bootstrapServers, topic, records)))
    return {
      violations: state.violations,
      records,
      transactions: copiers.reduce((sum, { committed }) => sum + committed, 0),
      restarts: copiers.reduce((sum, { restarts }) => sum + restarts, 0),
      rebalances: readers.reduce((sum, { rebalances }) => sum + rebalances, 0),
      faults: Object.fromEntries(faults),
      errors: Object.fromEntries(state.errors),
      recoveryMs,
    }
  } finally {
    stopFaults.abort()
    stopSending.abort()
    stopReading.abort()
    proxy.restore()
    await Promise.allSettled(clients)
    await broker.stop()
    await proxy.close()
  }
}

async function createTopics(bootstrapServers: string): Promise<void> {
  const admin = new Admin({ 'bootstrap.servers': bootstrapServers }, { logger })
  try {
    // The records have times of long ago.
    const configs = { 'retention.ms': '-1' }
    await admin.createTopics([ORDERS, COPIES].map((name) => ({ name, partitions: PARTITIONS, replicationFactor: 1, configs })))
  } finally {
    await admin.close()
  }
}

/** Up to where the copiers have committed, by partition. */
async function copied(bootstrapServers: string): Promise<number[]> {
  const consumer = new Consumer({ 'bootstrap.servers': bootstrapServers, 'group.id': 'copiers', 'enable.auto.commit': 'false' }, { logger })
  try {
    const committed = await consumer.committed(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: ORDERS, partition })))
    return Array.from({ length: PARTITIONS }, (_, partition) => committed.find((each) => each.partition === partition)?.offset ?? 0)
  } finally {
    await consumer.close()
  }
}
