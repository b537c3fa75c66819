import type { Logger } from '@millrace/api'
import type { Herder } from '../herder/herder.ts'
import type { WorkerClient } from '../herder/distributed/worker-client.ts'
import type { VersionInfo } from '../rest/resources/root.ts'
import { RestServer } from '../rest/server.ts'
import type { Cluster } from './kafka-cluster.ts'
import type { Observation } from './observation.ts'
import { onStopSignal } from './shutdown.ts'
import { StartedParts } from './started-parts.ts'
import { EXIT_START_FAILED } from './startup-error.ts'
import type { WorkerSettings } from './worker-settings.ts'

/** How long requests that are being handled may hold up a stop. The original waits for up to a minute. */
const REST_GRACE_MS = 2_000
/** What stopping may take beyond `task.shutdown.graceful.timeout.ms`: connectors, abandoned threads, the embedded broker. */
const STOP_RESERVE_MS = 25_000

/** A worker that serves REST and runs its connectors. */
export interface RunningWorker {
  /** The advertised URL, without a slash at the end. */
  readonly restUrl: string
  /** `host:port` of it, by which statuses name the worker. */
  readonly workerId: string
  /** Stops REST, then connectors and tasks, then the embedded broker. May be called repeatedly. */
  stop(): Promise<void>
}

/** By what others know the worker. */
export interface WorkerIdentity extends Pick<RestServer, 'advertisedUrl' | 'workerId'> {
  readonly version: VersionInfo
}

/** A herder, not started, and what belongs to it. */
export interface CreatedHerder {
  readonly herder: Herder
  /** Hands requests on to other workers; null where there are none. */
  readonly peers: WorkerClient | null
  readonly observation: Observation
}

export interface WorkerProcessOptions {
  readonly settings: WorkerSettings
  /** What `GET /` shows. */
  readonly version: VersionInfo
  /** Finds the Kafka cluster, and adds what it starts for that. */
  readonly findCluster: (started: StartedParts) => Promise<Cluster>
  /** Makes the herder, not started, and what hands requests on to other workers. */
  readonly createHerder: (identity: WorkerIdentity, cluster: Cluster) => Promise<CreatedHerder>
  /** Called once the herder has started and REST answers; `stopHere` throws where the worker is being stopped. */
  readonly serving: (herder: Herder, stopHere: () => void) => Promise<void>
}

/** Stops the worker on SIGTERM and SIGINT, also while it starts, and ends the process. Called before `start`. */
export function stopOnSignals(worker: WorkerProcess): void {
  onStopSignal({ stop: () => worker.stop(), logger: worker.logger, deadlineMs: worker.stopTimeoutMs })
}

/** A worker from its first port to its last thread (`org.apache.kafka.connect.runtime.Connect`), the same in both modes. */
export class WorkerProcess implements RunningWorker {
  readonly logger: Logger
  /** How long `stop` may take at most. Milliseconds. */
  readonly stopTimeoutMs: number
  readonly #options: WorkerProcessOptions
  readonly #log: Logger
  readonly #rest: RestServer
  readonly #started = new StartedParts()

  /** Nothing runs yet. @throws StartupError where a setting of the REST server is wrong. */
  constructor(options: WorkerProcessOptions) {
    const { config, loggers, refused } = options.settings
    this.#options = options
    try {
      this.#rest = new RestServer({ config, loggers, version: options.version })
    } catch (error) {
      throw refused(error)
    }
    this.#log = loggers.logger(config.mode === 'standalone' ? 'main/start-standalone' : 'main/start-distributed')
    this.logger = loggers.logger('main/shutdown')
    this.stopTimeoutMs = config.taskShutdownGracefulTimeoutMs + REST_GRACE_MS + STOP_RESERVE_MS
  }

  /** The advertised URL, without a slash at the end. Known once started. */
  get restUrl(): string {
    return this.#rest.advertisedUrl.href.slice(0, -1)
  }

  get workerId(): string {
    return this.#rest.workerId
  }

  /**
   * The port answers early, everything else once the Kafka cluster is known. Called once. Resolves also where `stop` was called meanwhile.
   * @throws StartupError; everything that was started has been stopped then.
   */
  async start(): Promise<void> {
    this.#log.info('Kafka Connect worker initializing ...')
    try {
      await this.#start()
      this.#log.info(`Kafka Connect started: REST API at ${this.restUrl}`)
    } catch (error) {
      // What fails because it is being stopped is no failure.
      if (this.#started.isStopping) return
      await this.stop().catch((failure: unknown) => this.#log.error('Not everything that was started could be stopped', failure))
      throw error
    }
  }

  /** Stops REST, then connectors and tasks, then the embedded broker. May be called at any time, also repeatedly. */
  stop(): Promise<void> {
    return this.#started.stop()
  }

  async #start(): Promise<void> {
    const { settings, findCluster, createHerder, serving } = this.#options
    const rest = this.#rest
    this.#started.add(() => rest.stop(REST_GRACE_MS))
    // At the same time, as each of them waits most of the time. All are waited for, so that nothing is left behind where one fails.
    const steps = [asNotStarted(settings, () => rest.listen()), asNotStarted(settings, () => findCluster(this.#started))] as const
    await Promise.allSettled(steps)
    const [, cluster] = await Promise.all(steps)
    this.#stopHere()

    const { advertisedUrl, workerId } = rest
    const identity = { advertisedUrl, workerId, version: this.#options.version }
    const { herder, peers, observation } = await asNotStarted(settings, () => createHerder(identity, cluster))
    this.#started.add(() => herder.stop())
    this.#started.add(() => observation.stop())
    if (peers !== null) this.#started.add(() => peers.close())
    await asStartFailed(settings, () => herder.start())
    rest.mount(herder, peers, observation)
    await serving(herder, () => this.#stopHere())
  }

  /** Ends a start that nobody wants any longer, before the next part is started. */
  #stopHere(): void {
    if (this.#started.isStopping) throw new Error('The worker is being stopped.')
  }
}

/** Nothing runs yet: what fails is a matter of the worker's settings. */
async function asNotStarted<T>(settings: WorkerSettings, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    throw settings.refused(error)
  }
}

/** Something runs already; but that it goes no further may be a matter of the settings, too. */
async function asStartFailed<T>(settings: WorkerSettings, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (cause) {
    const message = `The worker could not be started: ${cause instanceof Error ? cause.message : String(cause)}`
    throw settings.refused(new Error(message, { cause }), EXIT_START_FAILED)
  }
}
