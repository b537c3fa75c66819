import type { Properties } from '@millrace/api'
import type {
  ConnectorFailed,
  FromConnectorThread,
  GeneratedTaskConfigs,
  ReadMetrics,
  StartConnector,
  TaskReconfigurationRequested,
  ThreadMetrics,
  ToConnectorThread,
} from './messages.ts'
import { answer } from './requests.ts'
import { bufferOf, type TaskThreadOptions, type ThreadServices } from './task-thread-handle.ts'
import { type ThreadEnd, type ThreadTrouble, WorkerThread } from './worker-thread.ts'

export interface ConnectorThreadListener {
  connectorFailed(event: ConnectorFailed): void
  taskReconfigurationRequested(event: TaskReconfigurationRequested): void
  troubled(trouble: ThreadTrouble): void
}

export interface ConnectorThreadOptions extends Pick<TaskThreadOptions, 'limits' | 'log' | 'services' | 'isExclusive'> {
  readonly listener: ConnectorThreadListener
}

/** The main thread's side of the thread that connector instances live in. */
export class ConnectorThreadHandle {
  readonly isExclusive: boolean
  /** Incarnations that were put here and have not ended. */
  readonly connectors = new Set<number>()
  readonly #thread: WorkerThread<ToConnectorThread, FromConnectorThread>
  readonly #services: ThreadServices
  readonly #listener: ConnectorThreadListener

  constructor({ limits, log, services, isExclusive, listener }: ConnectorThreadOptions) {
    this.isExclusive = isExclusive
    this.#services = services
    this.#listener = listener
    this.#thread = new WorkerThread('connector', {
      limits,
      log,
      listener: { message: (message) => this.#receive(message), troubled: (trouble) => listener.troubled(trouble) },
    })
  }

  get state(): 'running' | 'ending' | ThreadEnd {
    return this.#thread.state
  }

  /** Resolves when the thread listens; rejects where it ended before that. */
  get ready(): Promise<void> {
    return this.#thread.ready
  }

  get usedBytes(): number {
    return this.#thread.usedBytes
  }

  /** Resolves when `start` returned. */
  async startConnector(connector: Omit<StartConnector, 'type' | 'request'>): Promise<void> {
    await this.#thread.request<null>((request) => ({ type: 'start-connector', request, ...connector }))
  }

  /** Resolves when `stop` returned. */
  async stopConnector(name: string): Promise<void> {
    await this.#thread.request<null>((request) => ({ type: 'stop-connector', request, name }))
  }

  generateTaskConfigs(name: string, tasksMax: number): Promise<{ readonly taskClass: string; readonly configs: readonly Properties[] }> {
    return this.#thread.request<GeneratedTaskConfigs>((request) => ({ type: 'generate-task-configs', request, name, tasksMax }))
  }

  /** Metrics of the thread and of all its connectors, as lines for Prometheus. */
  readMetrics(style: ReadMetrics['style']): Promise<ThreadMetrics> {
    return this.#thread.request((request) => ({ type: 'read-metrics', request, style }))
  }

  terminate(): Promise<ThreadEnd> {
    return this.#thread.terminate()
  }

  #receive(message: FromConnectorThread): void {
    if (message.type === 'connector-failed') this.#listener.connectorFailed(message)
    else if (message.type === 'task-reconfiguration') this.#listener.taskReconfigurationRequested(message)
    else if (message.type === 'read-offsets') {
      void answer(
        (reply) => this.#thread.reply(reply),
        message.request,
        () => this.#services.readOffsets(message.keys.map(bufferOf)),
      )
    }
  }
}
