import { resolve } from 'node:path'
import type { Logger } from '@millrace/api'
import { readConnectorFile } from '../config/connector-file.ts'
import { SettingsFileError } from '../config/properties-file.ts'
import type { Herder } from '../herder/herder.ts'
import type { Loggers } from '../logging/loggers.ts'
import type { VersionInfo } from '../rest/resources/root.ts'
import { RestServer } from '../rest/server.ts'
import type { Cluster } from './kafka-cluster.ts'
import { onStopSignal } from './shutdown.ts'
import { StartedParts } from './started-parts.ts'
import { EXIT_NOT_STARTED, EXIT_START_FAILED, StartupError } from './startup-error.ts'
import { readWorkerSettings, warnOfDuplicates, type WorkerSettings } from './worker-settings.ts'

/** How long requests that are being handled may hold up a stop. The original waits for up to a minute. */
const REST_GRACE_MS = 2_000
/** What stopping may take beyond `task.shutdown.graceful.timeout.ms`: connectors, abandoned threads, the embedded broker. */
const STOP_RESERVE_MS = 25_000

export interface StandaloneOptions {
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
  /** `host:port` of it, by which statuses name the worker. */
  readonly workerId: string
  /** Stops REST, then connectors and tasks, then the embedded broker. May be called repeatedly. */
  stop(): Promise<void>
}

/** Starts a standalone worker and resolves when its connectors are created. @throws StartupError; everything is stopped again then. */
export async function startStandalone(options: StandaloneOptions): Promise<RunningWorker> {
  const worker = await StandaloneWorker.create(options)
  await worker.start()
  return worker
}

/** Stops the worker on SIGTERM and SIGINT, also while it starts, and ends the process. Called before `start`. */
export function stopOnSignals(worker: StandaloneWorker): void {
  onStopSignal({ stop: () => worker.stop(), logger: worker.logger, deadlineMs: worker.stopTimeoutMs })
}

/** A worker on its own (`org.apache.kafka.connect.cli.ConnectStandalone`). */
export class StandaloneWorker implements RunningWorker {
  readonly logger: Logger
  /** How long `stop` may take at most. Milliseconds. */
  readonly stopTimeoutMs: number
  readonly #settings: WorkerSettings
  readonly #options: StandaloneOptions
  readonly #rest: RestServer
  readonly #started = new StartedParts()

  /** Reads and checks the worker's file; nothing runs yet. @throws StartupError */
  static async create(options: StandaloneOptions): Promise<StandaloneWorker> {
    const settings = await readWorkerSettings({ ...options, bundledPlugins: [standardPlugins(), ...options.bundledPlugins] })
    const { config, loggers } = settings
    const rest = await asNotStarted(settings, () => new RestServer({ config, loggers, version: options.version }))
    return new StandaloneWorker(settings, options, rest)
  }

  private constructor(settings: WorkerSettings, options: StandaloneOptions, rest: RestServer) {
    this.#settings = settings
    this.#options = options
    this.#rest = rest
    this.logger = settings.loggers.logger('main/shutdown')
    this.stopTimeoutMs = settings.config.taskShutdownGracefulTimeoutMs + REST_GRACE_MS + STOP_RESERVE_MS
  }

  /** The advertised URL, without a slash at the end. Known once started. */
  get restUrl(): string {
    return this.#rest.advertisedUrl.href.slice(0, -1)
  }

  get workerId(): string {
    return this.#rest.workerId
  }

  /**
   * The port answers early, everything else once the Kafka cluster is known; then the connectors of the command line are created one after another.
   * Called once. Resolves also where `stop` was called meanwhile. @throws StartupError; everything that was started has been stopped then.
   */
  async start(): Promise<void> {
    const log = this.#settings.loggers.logger('main/start-standalone')
    log.info('Kafka Connect worker initializing ...')
    try {
      await this.#start()
      log.info(`Kafka Connect started: REST API at ${this.restUrl}`)
    } catch (error) {
      // What fails because it is being stopped is no failure.
      if (this.#started.isStopping) return
      await this.stop().catch((failure: unknown) => log.error('Not everything that was started could be stopped', failure))
      throw error
    }
  }

  /** Stops REST, then connectors and tasks, then the embedded broker. May be called at any time, also repeatedly. */
  stop(): Promise<void> {
    return this.#started.stop()
  }

  async #start(): Promise<void> {
    const settings = this.#settings
    const rest = this.#rest
    this.#started.add(() => rest.stop(REST_GRACE_MS))
    // At the same time, as each of them waits most of the time. All are waited for, so that nothing is left behind where one fails.
    const steps = [asNotStarted(settings, () => rest.listen()), this.#cluster(), import('./create-herder.ts')] as const
    await Promise.allSettled(steps)
    const [, cluster, { createHerder }] = await Promise.all(steps)
    this.#stopHere()

    const herder = await asNotStarted(settings, () => createHerder(settings, rest.workerId, cluster))
    this.#started.add(() => herder.stop())
    await asStartFailed('The worker could not be started', () => herder.start())
    rest.mount(herder)
    await this.#createConnectors(herder)
    herder.ready()
  }

  async #cluster(): Promise<Cluster> {
    const settings = this.#settings
    const { config, loggers } = settings
    if (config.bootstrapServers.join() === 'embedded') return this.#embeddedCluster()
    const { lookUpCluster } = await import('./kafka-cluster.ts')
    return lookUpCluster(config, loggers.logger('kafka/admin'))
  }

  async #embeddedCluster(): Promise<Cluster> {
    const { workerFile, resolveBootstrap } = this.#options
    if (resolveBootstrap === undefined) {
      throw new StartupError(`${workerFile}: "bootstrap.servers=embedded" is not possible here: there is no broker to embed.`, EXIT_NOT_STARTED)
    }
    const { config, loggers } = this.#settings
    const dataDir = `${resolve(config.offsetStorageFileFilename)}.broker`
    const broker = await asNotStarted(this.#settings, () => resolveBootstrap({ dataDir, logger: loggers.logger('millrace.broker') }))
    this.#started.add(() => broker.close(), { isBase: true })
    return broker
  }

  /** Ends a start that nobody wants any longer, before the next part is started. */
  #stopHere(): void {
    if (this.#started.isStopping) throw new Error('The worker is being stopped.')
  }

  /** A connector that cannot be created ends the worker, as in the original. */
  async #createConnectors(herder: Herder): Promise<void> {
    const log = this.#settings.loggers.logger('main/start-standalone')
    for (const file of this.#options.connectorFiles ?? []) {
      this.#stopHere()
      await asStartFailed(`Failed to create connector for ${file}`, async () => {
        const { name, config, initialState, duplicates } = await readConnectorFile(file)
        warnOfDuplicates(file, duplicates, log)
        const { info } = await herder.putConnector(name, config, { allowReplace: false, initialState })
        log.info(`Created connector ${info.name}`)
      })
    }
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
    // It names the file itself, with line and key.
    if (cause instanceof SettingsFileError) throw new StartupError(`Failed to create connector: ${cause.message}`, EXIT_START_FAILED, { cause })
    throw new StartupError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, EXIT_START_FAILED, { cause })
  }
}

function standardPlugins(): URL {
  return new URL('../package.json', import.meta.resolve('@millrace/standard-plugins'))
}
