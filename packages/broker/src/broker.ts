import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerServices } from './api-handler.ts'
import { BrokerMeta, replaceFile } from './broker-meta.ts'
import { BufferPool } from './buffer-pool.ts'
import type { BrokerLogger } from './broker-logger.ts'
import { brokerConfig } from './config/broker-config.ts'
import { lockDataDir } from './data-lock.ts'
import { BrokerError } from './errors.ts'
import { Faults } from './faults.ts'
import { GroupCoordinator } from './groups/group-coordinator.ts'
import { Server } from './server.ts'
import { Topics } from './topics.ts'
import { TransactionCoordinator } from './transactions/transaction-coordinator.ts'

const CLEAN_SHUTDOWN_FILE = '.clean-shutdown'
const FLUSH_CHECK_INTERVAL_MS = 1000

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
}

/** A running broker. */
export interface Broker {
  readonly host: string
  readonly port: number
  readonly clusterId: string
  /** For tests: lets writes and requests fail. */
  readonly faults: Pick<Faults, 'inject' | 'clear'>
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
  const { host = '127.0.0.1', port = 9092, dataDir, logger, properties = {} } = options
  const config = brokerConfig(properties, logger)
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
    const topics = new Topics({ dataDir, meta, config, buffers, faults, logger, isTrusted })
    groups = GroupCoordinator.open({ dataDir, config, topics, faults, logger, clock: Date.now })
    transactions = TransactionCoordinator.open({ dataDir, config, meta, topics, groups, faults, logger, clock: Date.now })
    const services: BrokerServices = { config, meta, topics, groups, transactions, buffers, logger, clock: Date.now }
    const server = await Server.listen({ host, port, services, faults })
    const stopHousekeeping = keepHouse(services)
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
    return { host, port: server.port, clusterId: meta.clusterId, faults, close: () => (closing ??= close()) }
  } catch (error) {
    transactions?.close()
    groups?.close()
    unlock()
    throw error
  }
}

/** Work that nobody asks for. Returns what stops it. */
function keepHouse({ topics, groups, transactions, config, clock }: BrokerServices): () => void {
  const timers = [
    setInterval(() => topics.flushIfDue(clock()), FLUSH_CHECK_INTERVAL_MS),
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
    mkdirSync(dataDir, { recursive: true })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new BrokerError('BROKER_DATA_INVALID', `The data folder "${dataDir}" cannot be made: ${reason}. Choose another folder.`, { cause })
  }
}
