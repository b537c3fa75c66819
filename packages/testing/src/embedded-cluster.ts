import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerThread } from '@millrace/broker'
import { ConnectClient } from '@millrace/rest-api'
import type { LogRecord, RunningWorker } from '@millrace/runtime'
import { waitFor } from './wait-for.ts'

export interface EmbeddedClusterOptions {
  /** Properties, offsets and the broker's data are written here; it is created. Started again on the same folder, the cluster goes on with what is there. */
  readonly folder: string
  /** Manifests (`package.json`) of the plugins that the connectors need, beside the standard ones. */
  readonly plugins: readonly URL[]
  /** Keys of the worker's properties, after ours: converters are StringConverter unless named here. */
  readonly workerProperties?: Readonly<Record<string, string>>
  /** Connectors to start with, each with its `name`. */
  readonly connectors?: readonly Readonly<Record<string, string>>[]
}

/** Broker and standalone worker in this process, on free ports of loopback. For tests that want to see both from the inside; whole processes are in `tests/system`. */
export class EmbeddedCluster {
  readonly broker: BrokerThread
  readonly worker: RunningWorker
  readonly client: ConnectClient
  readonly #log: readonly LogRecord[]

  constructor(broker: BrokerThread, worker: RunningWorker, log: readonly LogRecord[]) {
    this.broker = broker
    this.worker = worker
    this.client = new ConnectClient(worker.restUrl, { requestTimeoutMs: 30_000 })
    this.#log = log
  }

  /** For `bootstrap.servers`. */
  get bootstrapServers(): string {
    return `${this.broker.host}:${this.broker.port}`
  }

  /** What worker and broker logged so far, a line per message. */
  get log(): string {
    return this.#log.map((record) => `${record.level} ${record.message}`).join('\n')
  }

  /** Waits until connector and tasks have the state. */
  async untilState(connector: string, state: 'RUNNING' | 'PAUSED' | 'FAILED', deadlineMs = 30_000): Promise<void> {
    await waitFor(
      async () => {
        const status = await this.client.connectorStatus(connector)
        return status.connector.state === state && status.tasks.length > 0 && status.tasks.every((task) => task.state === state)
      },
      { what: `"${connector}" to be ${state}`, deadlineMs, describe: () => this.describe(connector) },
    )
  }

  /** Waits until a task has the state. */
  async untilTaskState(connector: string, state: 'RUNNING' | 'PAUSED' | 'FAILED', deadlineMs = 30_000): Promise<void> {
    await waitFor(async () => (await this.client.connectorStatus(connector)).tasks.some((task) => task.state === state), {
      what: `a task of "${connector}" to be ${state}`,
      deadlineMs,
      describe: () => this.describe(connector),
    })
  }

  /** What there is to say when a wait ends in vain: the connector's status and the end of the log. */
  async describe(connector: string): Promise<string> {
    const status = await this.client.connectorStatus(connector).catch((error: unknown) => String(error))
    return `${JSON.stringify(status, null, 2)}\n${this.log.slice(-4000)}`
  }

  /** Stops the worker, then the broker. */
  async close(): Promise<void> {
    try {
      await this.worker.stop()
    } finally {
      await this.broker.close()
    }
  }
}

/** How many log records are kept. */
const logRecordsMax = 10_000

export async function startEmbeddedCluster(options: EmbeddedClusterOptions): Promise<EmbeddedCluster> {
  // Loaded here: most who use this package only want to wait for something.
  const [{ startBrokerThread }, { Loggers, startStandalone }] = await Promise.all([import('@millrace/broker'), import('@millrace/runtime')])
  mkdirSync(options.folder, { recursive: true })
  const log: LogRecord[] = []
  const write = (record: LogRecord): void => {
    if (log.push(record) > logRecordsMax) log.splice(0, logRecordsMax / 2)
  }
  const loggers = new Loggers({ rootLevel: 'INFO', write })
  const broker = await startBrokerThread({ port: 0, dataDir: join(options.folder, 'broker'), logger: loggers.logger('millrace.broker') })
  try {
    const worker = await startStandalone({
      workerFile: writeJavaProperties(join(options.folder, 'worker.properties'), {
        'bootstrap.servers': `${broker.host}:${broker.port}`,
        listeners: 'http://127.0.0.1:0',
        'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
        'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
        'offset.storage.file.filename': join(options.folder, 'connect.offsets'),
        'offset.flush.interval.ms': '500',
        ...options.workerProperties,
      }),
      connectorFiles: (options.connectors ?? []).map((connector) => writeJavaProperties(join(options.folder, `${connector.name}.properties`), connector)),
      bundledPlugins: options.plugins,
      version: { version: '4.3.1', commit: 'test' },
      loggers,
    })
    return new EmbeddedCluster(broker, worker, log)
  } catch (error) {
    await broker.close()
    throw error
  }
}

/** Writes a file that Java's property syntax reads back as given, and returns its path. */
export function writeJavaProperties(file: string, properties: Readonly<Record<string, string>>): string {
  const escapeKey = (key: string): string => key.replace(/[ :=#!\\]/g, '\\$&')
  const escapeValue = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replace(/^ /, '\\ ')
  // Property files are Latin-1; everything else is written as an escape.
  const escapeForeign = (text: string): string => text.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const lines = Object.entries(properties).map(([key, value]) => `${escapeForeign(escapeKey(key))}=${escapeForeign(escapeValue(value))}\n`)
  writeFileSync(file, lines.join(''))
  return file
}
