import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { BrokerServices } from './api-handler.ts'
import { apiHandlers } from './api-handlers.ts'
import { BrokerMeta, replaceFile } from './broker-meta.ts'
import { BufferPool } from './buffer-pool.ts'
import type { BrokerLogger } from './broker-logger.ts'
import { brokerConfig } from './config/broker-config.ts'
import { lockDataDir } from './data-lock.ts'
import { BrokerError } from './errors.ts'
import { type Fault, Faults } from './faults.ts'
import { FetchSessions } from './fetch-sessions.ts'
import { GroupCoordinator } from './groups/group-coordinator.ts'
import { MemoryBudget } from './memory-budget.ts'
import { type ApiVersionLimits, offeredApis } from './offered-apis.ts'
import { PartitionLeaders } from './partition-leaders.ts'
import { type BrokerSecurity, checkSecurity } from './security/broker-security.ts'
import { SaslServer } from './security/sasl-session.ts'
import { Server } from './server.ts'
import { Topics } from './topics.ts'
import { TransactionCoordinator } from './transactions/transaction-coordinator.ts'

const CLEAN_SHUTDOWN_FILE = '.clean-shutdown'
const CHECK_INTERVAL_MS = 1000
/** Of all fetch sessions together: some hundreds of bytes each. */
const SESSION_PARTITIONS_MAX = 100_000

export interface BrokerOptions {
  /** Default `127.0.0.1`: clients of this machine only, since nothing authenticates. */
  readonly host?: string
  /** Default 9092; 0 takes a free one. */
  readonly port?: number
  /** Folder of the broker's data; made if it is not there. One broker at a time can use it. */
  readonly dataDir: string
  readonly logger: BrokerLogger
  /** Broker properties under Kafka's names; see `brokerSettings` for those that are honoured. */
  readonly properties?: Readonly<Record<string, string>>
  /** TLS and SASL; default neither. */
  readonly security?: BrokerSecurity
  /** For tests of clients: offers no more than a release of Kafka such as `'3.3'`, or chosen versions. Default: all that the broker has. */
  readonly apiVersions?: ApiVersionLimits
}

/** A running broker. */
export interface Broker {
  readonly host: string
  readonly port: number
  readonly clusterId: string
  /** For tests: lets things go wrong; see `Fault`. */
  readonly faults: {
    /** Arms a fault, or lets it happen at once. Nothing happens for a topic that there is not. */
    inject(fault: Fault): void
    /** Disarms all faults; partitions have their leaders again. */
    clear(): void
  }
  /** Closes all connections, brings the data to the disk and frees the folder. May be called more than once. */
  close(): Promise<void>
}

/**
 * Starts a single-node Kafka broker in this thread. Acknowledged records survive the death of the process, not a power cut, unless
 * `log.flush.interval.messages=1`. Reading and writing files blocks the thread for moments: beside other work, use `startBrokerThread`.
 *
 * @throws BrokerError; nothing stays open then.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { host = '127.0.0.1', port = 9092, dataDir, logger, properties = {}, security = {}, apiVersions } = options
  const config = brokerConfig(properties, logger)
  const offered = offeredApis(apiHandlers.values(), apiVersions)
  checkSecurity(security)
  makeDataDir(dataDir)
  const unlock = lockDataDir(dataDir)
  const faults = new Faults()
  let groups: GroupCoordinator | undefined
  let transactions: TransactionCoordinator | undefined
  try {
    const cleanShutdownFile = join(dataDir, CLEAN_SHUTDOWN_FILE)
    const isTrusted = existsSync(cleanShutdownFile)
    rmSync(cleanShutdownFile, { force: true })
    const buffers = new BufferPool()
    const meta = BrokerMeta.open(dataDir)
    const leaders = new PartitionLeaders(meta)
    const topics = new Topics({ dataDir, meta, config, leaders, buffers, faults, logger, isTrusted })
    groups = GroupCoordinator.open({ dataDir, config, topics, faults, logger, clock: Date.now })
    transactions = TransactionCoordinator.open({ dataDir, config, meta, topics, groups, faults, logger, clock: Date.now })
    const services: BrokerServices = {
      config,
      meta,
      topics,
      leaders,
      groups,
      transactions,
      fetchSessions: new FetchSessions({
        sessionsMax: config.fetchSessionsMax,
        partitionsMax: SESSION_PARTITIONS_MAX,
        evictionMs: config.fetchSessionEvictionMs,
      }),
      offered,
      sasl: security.sasl && new SaslServer(security.sasl),
      buffers,
      requestMemory: new MemoryBudget(config.requestMemoryBytesMax),
      answerMemory: new MemoryBudget(config.fetchMemoryBytesMax),
      logger,
      clock: Date.now,
    }
    const server = await Server.listen({ host, port, tls: security.tls, services, faults })
    const stopHousekeeping = keepHouse(services, server)
    logger.info(`The embedded broker listens on ${host}:${server.port}, cluster id ${meta.clusterId}, data in "${dataDir}".`)

    const close = async () => {
      stopHousekeeping()
      await server.close()
      services.transactions.close()
      services.groups.close()
      try {
        topics.close()
        replaceFile(cleanShutdownFile, '')
      } catch (error) {
        logger.warn(`The broker's data could not be brought to the disk; the next start will verify them: ${(error as Error).message}`)
      }
      unlock()
      logger.info(`The embedded broker on ${host}:${server.port} has stopped.`)
    }
    let closing: Promise<void> | undefined
    return { host, port: server.port, clusterId: meta.clusterId, faults: faultsOf(faults, services, server), close: () => (closing ??= close()) }
  } catch (error) {
    transactions?.close()
    groups?.close()
    unlock()
    throw error
  }
}

function faultsOf(faults: Faults, { topics, leaders, logger }: BrokerServices, server: Server): Broker['faults'] {
  return {
    inject(fault) {
      switch (fault.kind) {
        case 'leader-change':
          return topics.get(fault.topic) ? topics.changeLeader(fault) : logger.warn(`The leader of the unknown topic "${fault.topic}" was to be changed.`)
        case 'close-connections':
          return server.closeConnections(fault)
        default:
          return faults.arm(fault)
      }
    },
    clear() {
      faults.clear()
      leaders.comeBack()
    },
  }
}

/** Work that nobody asks for. Returns what stops it. */
function keepHouse({ topics, groups, transactions, buffers, config, clock }: BrokerServices, server: Server): () => void {
  const timers = [
    setInterval(() => {
      topics.flushIfDue(clock())
      server.closeStalled()
      buffers.forgetUnused()
    }, CHECK_INTERVAL_MS),
    setInterval(() => void topics.removeExpired(clock()), config.retentionCheckIntervalMs),
    setInterval(() => void topics.compact(clock()), config.cleanerBackoffMs),
    setInterval(() => groups.expireOffsets(clock()), config.offsetsRetentionCheckIntervalMs),
    setInterval(() => transactions.expire(clock()), config.transactionCheckIntervalMs),
  ]
  // The broker alone keeps no process alive by its housekeeping.
  for (const timer of timers) timer.unref()
  return () => timers.forEach(clearInterval)
}

function makeDataDir(dataDir: string): void {
  try {
    makeFolder(resolve(dataDir))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new BrokerError('BROKER_DATA_INVALID', `The data folder "${dataDir}" cannot be made: ${reason}. Choose another folder.`, { cause })
  }
}

/** With its parents. Not in one call: where a folder cannot be made, as below /proc, Node's recursive one does not return. */
function makeFolder(path: string): void {
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) throw new Error('it is no folder')
    return
  }
  makeFolder(dirname(path))
  mkdirSync(path)
}
