import { resolve } from 'node:path'
import type { Logger } from '@millrace/api'
import { type ConnectorFile, readConnectorFile } from '../config/connector-file.ts'
import { lineNamedIn, SettingsFileError } from '../config/properties-file.ts'
import type { Herder } from '../herder/herder.ts'
import type { Loggers } from '../logging/loggers.ts'
import type { VersionInfo } from '../rest/resources/root.ts'
import type { Cluster } from './kafka-cluster.ts'
import type { StartedParts } from './started-parts.ts'
import { EXIT_NOT_STARTED, EXIT_START_FAILED, StartupError } from './startup-error.ts'
import { type RunningWorker, WorkerProcess } from './worker-process.ts'
import { readWorkerSettings, standardPlugins, warnOfDuplicates, type WorkerSettings } from './worker-settings.ts'

export interface WorkerOptions {
  /** The worker's properties file. */
  readonly workerFile: string
  /** `package.json` files of packages whose plug-ins need no `plugin.path`, beside the standard ones. */
  readonly bundledPlugins: readonly URL[]
  /** What `GET /` shows. */
  readonly version: VersionInfo
  /** Default: standard output, as `millrace.log.level` and `millrace.log.format` say. */
  readonly loggers?: Loggers
}

export interface StandaloneOptions extends WorkerOptions {
  /** Connectors to create, in this order. */
  readonly connectorFiles?: readonly string[]
  /** Called where `bootstrap.servers` is `embedded`; without it, that is an error. */
  readonly resolveBootstrap?: (context: ResolveBootstrapContext) => Promise<BootstrapResolution>
}

export interface ResolveBootstrapContext {
  /** Where the embedded broker keeps its data: beside the offset file, and named after it. */
  readonly dataDir: string
  readonly logger: Logger
}

/** The Kafka cluster that was started for a worker. */
export interface BootstrapResolution {
  readonly bootstrapServers: string
  readonly clusterId: string
  /** Called once, after everything that uses it has stopped. */
  close(): Promise<void>
}

/** Starts a standalone worker and resolves when its connectors are created. @throws StartupError; everything is stopped again then. */
export async function startStandalone(options: StandaloneOptions): Promise<RunningWorker> {
  const worker = await createStandaloneWorker(options)
  await worker.start()
  return worker
}

/**
 * A worker on its own (`org.apache.kafka.connect.cli.ConnectStandalone`), not started. Its start resolves when the connectors of the command line are created,
 * one after another. @throws StartupError where its file is wrong.
 */
export async function createStandaloneWorker(options: StandaloneOptions): Promise<WorkerProcess> {
  const settings = await readWorkerSettings({ ...options, mode: 'standalone', bundledPlugins: [standardPlugins(), ...options.bundledPlugins] })
  // Loaded while the worker looks for its cluster.
  const creation = import('./create-standalone-herder.ts')
  // Awaited once the cluster is found; what is wrong with it is told then.
  creation.catch(() => {})
  return new WorkerProcess({
    settings,
    version: options.version,
    findCluster: (started) => findCluster(settings, options, started),
    createHerder: async (identity, cluster) => (await creation).createStandaloneHerder(settings, identity, cluster),
    async serving(herder, stopHere) {
      await createConnectors(herder, settings, options, stopHere)
      herder.ready()
    },
  })
}

async function findCluster(settings: WorkerSettings, options: StandaloneOptions, started: StartedParts): Promise<Cluster> {
  const { config, loggers } = settings
  if (config.bootstrapServers.join() === 'embedded') return embeddedCluster(settings, options, started)
  const { lookUpCluster } = await import('./kafka-cluster.ts')
  return lookUpCluster(config, loggers.logger('kafka/admin'))
}

async function embeddedCluster(
  { config, loggers }: WorkerSettings,
  { workerFile, resolveBootstrap }: StandaloneOptions,
  started: StartedParts,
): Promise<Cluster> {
  if (resolveBootstrap === undefined) {
    throw new StartupError(`${workerFile}: "bootstrap.servers=embedded" is not possible here: there is no broker to embed.`, EXIT_NOT_STARTED)
  }
  const dataDir = `${resolve(config.offsetStorageFileFilename)}.broker`
  const broker = await resolveBootstrap({ dataDir, logger: loggers.logger('millrace.broker') })
  started.add(() => broker.close(), { isBase: true })
  return broker
}

/** A connector that cannot be created ends the worker, as in the original. */
async function createConnectors(herder: Herder, { loggers }: WorkerSettings, { connectorFiles = [] }: StandaloneOptions, stopHere: () => void): Promise<void> {
  const log = loggers.logger('main/start-standalone')
  for (const file of connectorFiles) {
    stopHere()
    let linesOfFile: ConnectorFile['lines'] = new Map()
    try {
      const { name, config, initialState, duplicates, lines } = await readConnectorFile(file)
      linesOfFile = lines
      warnOfDuplicates(file, duplicates, log)
      const { info } = await herder.putConnector(name, config, { allowReplace: false, initialState })
      log.info(`Created connector ${info.name}`)
    } catch (cause) {
      throw new StartupError(creationFailure(file, linesOfFile, cause), EXIT_START_FAILED, { cause })
    }
  }
}

/** The message may be about several settings, one in each line. */
function creationFailure(file: string, lines: ConnectorFile['lines'], cause: unknown): string {
  // It names the file itself, with line and key.
  if (cause instanceof SettingsFileError) return `Failed to create connector: ${cause.message}`
  const message = `Failed to create connector for ${file}: ${cause instanceof Error ? cause.message : String(cause)}`
  const located = message.split('\n').map((text) => {
    const line = lineNamedIn(text, lines)
    return line === null ? text : `${file}:${line}: ${text}`
  })
  return located.join('\n')
}
