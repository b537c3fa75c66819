import type { Properties } from '@millrace/api'
import type { TaskId, TaskProgress } from '@millrace/rest-api'
import type { SessionKey } from '../../storage/config-store.ts'
import { ConnectError } from '@millrace/api'
import { taskKey } from './incremental-cooperative-assignor.ts'
import type { WorkerClient } from './worker-client.ts'

/** Where workers ask each other for the live progress of tasks. Java workers have nothing like it and answer 404. */
export const PROGRESS_PATH = 'millrace/tasks/progress'

export interface PeerWorkersOptions {
  readonly client: Pick<WorkerClient, 'request'>
  /** The key to sign with; null where requests are not signed. @throws ConnectError where they are, but there is no key yet. */
  readonly signingKey: () => SessionKey | null
  /** `inter.worker.signature.algorithm`. */
  readonly algorithm: string
}

/** How long the owner of a task has to tell its progress before the last known one is shown. Milliseconds. */
const PROGRESS_TIMEOUT_MS = 500
/** What was last known of other workers' tasks is kept for this many of them. */
const KNOWN_MAX = 1_000

/** What a worker asks of the others in its cluster, signed with the cluster's key. */
export class PeerWorkers {
  readonly #options: PeerWorkersOptions
  readonly #known = new Map<string, TaskProgress>()

  constructor(options: PeerWorkersOptions) {
    this.#options = options
  }

  /** Hands the configurations of a connector's tasks to the leader. @throws RestError */
  async putTaskConfigs(leaderUrl: string, connector: string, configs: readonly Properties[]): Promise<void> {
    const url = `${leaderUrl}connectors/${encodeURIComponent(connector)}/tasks`
    await this.#options.client.request({ method: 'POST', url, body: JSON.stringify(configs), signature: this.#signature() })
  }

  /**
   * The progress of tasks that run on another worker, as it tells it, or as it was last known; what is not known is left out.
   * Resolves within 500 ms and a little; never rejects.
   */
  async taskProgress(url: string, ids: readonly TaskId[]): Promise<ReadonlyMap<string, TaskProgress>> {
    try {
      const { text } = await this.#options.client.request({
        method: 'POST',
        url: `${url}${PROGRESS_PATH}`,
        body: JSON.stringify(ids),
        signature: this.#signature(),
        timeoutMs: PROGRESS_TIMEOUT_MS,
      })
      for (const [name, progress] of Object.entries(JSON.parse(text) as Record<string, TaskProgress>)) this.#remember(name, progress)
    } catch {
      // It is gone, or does not know the request: what is shown then says when it was observed.
    }
    return new Map(
      ids.flatMap((id) => {
        const progress = this.#known.get(taskKey(id))
        return progress === undefined ? [] : [[taskKey(id), progress] as const]
      }),
    )
  }

  #remember(name: string, progress: TaskProgress): void {
    this.#known.delete(name)
    this.#known.set(name, progress)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= KNOWN_MAX) break
      this.#known.delete(oldest)
    }
  }

  #signature(): { key: SessionKey; algorithm: string } | null {
    const key = this.#options.signingKey()
    return key === null ? null : { key, algorithm: this.#options.algorithm }
  }
}

/** There is no key to sign a request with. */
export function noSessionKey(): ConnectError {
  return new ConnectError('This worker has not been able to read a session key from the config topic yet')
}
