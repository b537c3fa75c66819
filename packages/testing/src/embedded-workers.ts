import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerThread } from '@millrace/broker'
import { ConnectClient, type ConnectorStateInfo } from '@millrace/rest-api'
import type { LogRecord, RunningWorker } from '@millrace/runtime'
import { writeJavaProperties } from './embedded-cluster.ts'
import { waitFor } from './wait-for.ts'

export interface EmbeddedWorkersOptions {
  /** Holds the broker's data and the workers' files. */
  readonly folder: string
  /** Manifests (`package.json`) of packages whose plug-ins the workers have beside the standard ones. */
  readonly plugins: readonly URL[]
  /** Beside those that make a cluster; for all workers. */
  readonly workerProperties?: Readonly<Record<string, string>>
  /** Of the broker, under Kafka's names. */
  readonly brokerProperties?: Readonly<Record<string, string>>
}

/** A worker of the cluster, in this process. */
export interface EmbeddedWorker {
  readonly worker: RunningWorker
  readonly client: ConnectClient
  /** What it has logged, at most the last 10,000 lines. */
  readonly log: readonly LogRecord[]
}

/** How many log records are kept of each worker. */
const logRecordsMax = 10_000

/** Workers of a cluster with their broker, all in this process. */
export class EmbeddedWorkers {
  readonly broker: BrokerThread
  readonly #options: EmbeddedWorkersOptions
  readonly #workers: EmbeddedWorker[] = []
  #count = 0

  /** Use `startEmbeddedWorkers`. */
  constructor(broker: BrokerThread, options: EmbeddedWorkersOptions) {
    this.broker = broker
    this.#options = options
  }

  /** Those that were started and not stopped, in the order of their start. */
  get workers(): readonly EmbeddedWorker[] {
    return this.#workers
  }

  /** The client of one of them. */
  get client(): ConnectClient {
    const [first] = this.#workers
    if (first === undefined) throw new Error('No worker runs.')
    return first.client
  }

  /** Starts one more; resolves when it has its first assignment. @param headers that its client sends, such as `authorization`. */
  async startWorker(properties: Readonly<Record<string, string>> = {}, headers: Readonly<Record<string, string>> = {}): Promise<EmbeddedWorker> {
    const { Loggers, startDistributed } = await import('@millrace/runtime')
    const { folder, plugins, workerProperties } = this.#options
    const log: LogRecord[] = []
    const write = (record: LogRecord): void => {
      if (log.push(record) > logRecordsMax) log.splice(0, logRecordsMax / 2)
    }
    this.#count += 1
    const worker = await startDistributed({
      workerFile: writeJavaProperties(join(folder, `worker-${this.#count}.properties`), {
        'bootstrap.servers': `${this.broker.host}:${this.broker.port}`,
        listeners: 'http://127.0.0.1:0',
        'group.id': 'workers',
        'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
        'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
        'config.storage.topic': 'connect-configs',
        'config.storage.replication.factor': '1',
        'offset.storage.topic': 'connect-offsets',
        'offset.storage.replication.factor': '1',
        'offset.storage.partitions': '5',
        'status.storage.topic': 'connect-statuses',
        'status.storage.replication.factor': '1',
        'scheduled.rebalance.max.delay.ms': '0',
        'heartbeat.interval.ms': '100',
        'offset.flush.interval.ms': '500',
        'millrace.task.threads.max': '1',
        ...workerProperties,
        ...properties,
      }),
      bundledPlugins: plugins,
      version: { version: '4.3.1', commit: 'test' },
      loggers: new Loggers({ rootLevel: 'INFO', write }),
    })
    const started: EmbeddedWorker = { worker, client: new ConnectClient(worker.restUrl, { headers }), log }
    this.#workers.push(started)
    await waitFor(async () => (await started.client.health()).status === 'healthy', { what: 'the worker to be healthy', describe: () => logText(started) })
    return started
  }

  /** Stops a worker in order: it leaves its group. */
  async stopWorker(worker: EmbeddedWorker): Promise<void> {
    this.#workers.splice(this.#workers.indexOf(worker), 1)
    await worker.worker.stop()
  }

  /** Waits until a connector and this many tasks of it are RUNNING. */
  async running(connector: string, tasks: number): Promise<ConnectorStateInfo> {
    let last: unknown
    return waitFor(
      async () => {
        const status = await this.client.connectorStatus(connector).catch((error: unknown) => error as Error)
        last = status
        if (status instanceof Error || status.connector.state !== 'RUNNING' || status.tasks.length !== tasks) return null
        return status.tasks.every(({ state }) => state === 'RUNNING') ? status : null
      },
      { what: `connector ${connector} and ${tasks} tasks to run`, deadlineMs: 30_000, describe: () => JSON.stringify(last) },
    )
  }

  /** Stops all workers, then the broker. */
  async close(): Promise<void> {
    try {
      await Promise.all(this.#workers.splice(0).map(({ worker }) => worker.stop()))
    } finally {
      await this.broker.close()
    }
  }
}

/** Starts the broker, and no worker yet. */
export async function startEmbeddedWorkers(options: EmbeddedWorkersOptions): Promise<EmbeddedWorkers> {
  const { startBrokerThread } = await import('@millrace/broker')
  const { silentLogger } = await import('@millrace/kafka')
  mkdirSync(options.folder, { recursive: true })
  const broker = await startBrokerThread({ port: 0, dataDir: join(options.folder, 'broker'), properties: options.brokerProperties, logger: silentLogger })
  return new EmbeddedWorkers(broker, options)
}

function logText({ log }: EmbeddedWorker): string {
  return log
    .slice(-40)
    .map(({ level, message }) => `${level} ${message}`)
    .join('\n')
}
