import { resolve } from 'node:path'
import type { Logger } from '@millrace/api'
import { readConnectorFile } from '../config/connector-file.ts'
import { StandaloneHerder } from '../herder/standalone/standalone-herder.ts'
import type { Loggers } from '../logging/loggers.ts'
import type { VersionInfo } from '../rest/resources/root.ts'
import { RestServer } from '../rest/server.ts'
import { FileOffsetStore } from '../storage/file/file-offset-store.ts'
import { MemoryConfigStore } from '../storage/memory/memory-config-store.ts'
import { MemoryStatusStore } from '../storage/memory/memory-status-store.ts'
import { Worker } from '../worker/worker.ts'
import { type Cluster, clientKeyOf, consumerGroupOffsets, lookUpCluster } from './kafka-cluster.ts'
import { onStopSignal, type StopResult } from './shutdown.ts'
import { EXIT_NOT_STARTED, EXIT_START_FAILED, StartupError } from './startup-error.ts'
import { readWorkerSettings, warnOfDuplicates, type WorkerSettings } from './worker-settings.ts'

/** How long requests that are being handled may hold up a stop. The original waits for up to a minute. */
const REST_GRACE_MS = 2_000
/** What stopping may take beyond `task.shutdown.graceful.timeout.ms`: connectors, abandoned threads, the embedded broker. */
const STOP_RESERVE_MS = 25_000

export interface StartStandaloneOptions {
  /** The worker's properties file. */
  readonly workerFile: string
  /** Connectors to create, in this order. */
  readonly connectorFiles?: readonly string[]
  /** `package.json` files of packages whose plug-ins need no `plugin.path`, beside the standard ones. */
  readonly bundledPlugins: readonly URL[]
  /** What `GET /` shows. */
  readonly version: VersionInfo
  /** Called where `bootstrap.servers` is `embedded`; without it, that is an error. */
  readonly resolveBootstrap?: (context: ResolveBootstrapContext) => Promise<BootstrapResolution>
  /** Default: standard output, as `millrace.log.level` and `millrace.log.format` say. */
  readonly loggers?: Loggers
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

/** A worker that serves REST and runs its connectors. */
export interface RunningWorker {
  /** The advertised URL, without a slash at the end. */
  readonly restUrl: string
  /** `host:port` of it. */
  readonly workerId: string
  readonly logger: Logger
  /** How long `stop` may take at most. Milliseconds. */
  readonly stopTimeoutMs: number
  /** Stops REST, then connectors and tasks, then the embedded broker. Later calls get the same promise. */
  stop(): Promise<StopResult>
}

/**
 * Starts a standalone worker (`org.apache.kafka.connect.cli.ConnectStandalone`): the port answers early, everything else once the Kafka cluster
 * is known; then the connectors of the command line are created one after another.
 *
 * @throws StartupError; everything that was started has been stopped then.
 */
export async function startStandalone(options: StartStandaloneOptions): Promise<RunningWorker> {
  const settings = await readWorkerSettings({ ...options, bundledPlugins: [standardPlugins(), ...options.bundledPlugins] })
  const log = settings.loggers.logger('main/start-standalone')
  log.info('Kafka Connect worker initializing ...')
  const started = new StartedParts()
  try {
    const worker = await startParts(settings, options, started)
    log.info(`Kafka Connect started: REST API at ${worker.restUrl}`)
    return worker
  } catch (error) {
    await started.stop()
    throw error
  }
}

/** Stops the worker on SIGTERM and SIGINT and ends the process. */
export function stopOnSignals(worker: RunningWorker): void {
  onStopSignal({ stop: () => worker.stop(), logger: worker.logger, deadlineMs: worker.stopTimeoutMs })
}

async function startParts(settings: WorkerSettings, options: StartStandaloneOptions, started: StartedParts): Promise<RunningWorker> {
  const { config, loggers } = settings
  const rest = await asNotStarted(settings, () => new RestServer({ config, loggers, version: options.version }))
  const cluster = clusterOf(settings, options, started)
  // Both fail early and independently; the look-up is waited for in any case, so that nothing is left behind.
  const [listening, found] = await Promise.allSettled([asNotStarted(settings, () => rest.listen()), cluster])
  if (listening.status === 'fulfilled') started.add(() => rest.stop(REST_GRACE_MS))
  if (listening.status === 'rejected') throw listening.reason
  if (found.status === 'rejected') throw found.reason

  const { herder, worker } = await asNotStarted(settings, () => createHerder(settings, rest.workerId, found.value))
  started.add(() => herder.stop())
  await asStartFailed('The worker could not be started', () => herder.start())
  rest.mount(herder)
  await createConnectors(options.connectorFiles ?? [], herder, loggers)
  herder.ready()

  return {
    restUrl: rest.advertisedUrl.href.slice(0, -1),
    workerId: rest.workerId,
    logger: loggers.logger('main/shutdown'),
    stopTimeoutMs: config.taskShutdownGracefulTimeoutMs + REST_GRACE_MS + STOP_RESERVE_MS,
    stop: async () => {
      await started.stop()
      return { abandonedThreads: worker.threads().filter(({ state }) => state === 'abandoned').length }
    },
  }
}

/** What runs so far, to be stopped in the order of `stopOrder`: REST first, then what it serves, then what that uses. */
class StartedParts {
  readonly #stops: { readonly stop: () => Promise<unknown>; readonly isBase: boolean }[] = []
  #stopped: Promise<void> | null = null

  /** Parts are stopped in the order in which they are added; a base, on which the others stand, after all of them. */
  add(stop: () => Promise<unknown>, { isBase = false } = {}): void {
    this.#stops.push({ stop, isBase })
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll()
    return this.#stopped
  }

  /** A part that fails to stop does not keep the others from it; the first failure is reported at the end. */
  async #stopAll(): Promise<void> {
    const failures: unknown[] = []
    for (const { stop } of [...this.#stops.filter(({ isBase }) => !isBase), ...this.#stops.filter(({ isBase }) => isBase)]) {
      await stop().catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
  }
}

async function clusterOf(settings: WorkerSettings, options: StartStandaloneOptions, started: StartedParts): Promise<Cluster> {
  const { config, loggers } = settings
  if (config.bootstrapServers.join() !== 'embedded') return lookUpCluster(config, loggers.logger('kafka/admin'))
  if (options.resolveBootstrap === undefined) {
    throw new StartupError(`${options.workerFile}: "bootstrap.servers=embedded" is not possible here: there is no broker to embed.`, EXIT_NOT_STARTED)
  }
  const { resolveBootstrap } = options
  const dataDir = `${resolve(config.offsetStorageFileFilename)}.broker`
  const resolution = await asNotStarted(settings, () => resolveBootstrap({ dataDir, logger: loggers.logger('millrace.broker') }))
  started.add(() => resolution.close(), { isBase: true })
  return resolution
}

function createHerder(settings: WorkerSettings, workerId: string, cluster: Cluster): { herder: StandaloneHerder; worker: Worker } {
  const { config, registry, transformer, loggers } = settings
  const offsetStore = new FileOffsetStore({ file: config.offsetStorageFileFilename, logger: loggers.logger('storage/file/file-offset-store') })
  let worker: Worker | undefined
  const herder = new StandaloneHerder({
    config,
    registry,
    transformer,
    createWorker: (listener, resolveTaskConfig) => {
      worker = new Worker({ config, registry, offsetStore, bootstrapServers: cluster.bootstrapServers, workerId, listener, resolveTaskConfig, logger: loggers.logger('worker/worker'), threadLog: loggers })
      return worker
    },
    configStore: new MemoryConfigStore(),
    offsetStore,
    statusStore: new MemoryStatusStore(),
    workerId,
    clusterId: cluster.clusterId,
    consumerGroupOffsets: consumerGroupOffsets(cluster, loggers.logger('kafka/admin')),
    clientKeyOf,
    logger: loggers.logger('herder/standalone/standalone-herder'),
  })
  if (worker === undefined) throw new Error('The herder made no worker.')
  return { herder, worker }
}

/** A connector that cannot be created ends the worker, as in the original. */
async function createConnectors(files: readonly string[], herder: StandaloneHerder, loggers: Loggers): Promise<void> {
  const log = loggers.logger('main/start-standalone')
  for (const file of files) {
    await asStartFailed(`Failed to create connector for ${file}`, async () => {
      const { name, config, initialState, duplicates } = await readConnectorFile(file)
      warnOfDuplicates(file, duplicates, log)
      const { info } = await herder.putConnector(name, config, { allowReplace: false, initialState })
      log.info(`Created connector ${info.name}`)
    })
  }
}

/** Nothing runs yet: what fails is a matter of the worker's settings. */
async function asNotStarted<T>(settings: WorkerSettings, start: () => T | Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    throw settings.refused(error)
  }
}

async function asStartFailed<T>(what: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (cause) {
    throw new StartupError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, EXIT_START_FAILED, { cause })
  }
}

function standardPlugins(): URL {
  return new URL('../package.json', import.meta.resolve('@millrace/standard-plugins'))
}
