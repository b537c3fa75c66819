import type { Properties } from '@millrace/api'
import type { ConnectorProgress, ProgressQuery, TaskProgress, WorkerProgress } from '@millrace/rest-api'
import type { SessionKey } from '../../storage/config-store.ts'
import { ConnectError } from '@millrace/api'
import type { KnownProgress } from '../local-progress.ts'
import { taskKey } from './incremental-cooperative-assignor.ts'
import type { WorkerClient } from './worker-client.ts'

/** Where workers ask each other for the live progress of what they run. Java workers have nothing like it and answer 404. */
export const PROGRESS_PATH = 'millrace/progress'

export interface PeerWorkersOptions {
  readonly client: Pick<WorkerClient, 'request'>
  /** The key to sign with; null where requests are not signed. @throws ConnectError where they are, but there is no key yet. */
  readonly signingKey: () => SessionKey | null
  /** `inter.worker.signature.algorithm`. */
  readonly algorithm: string
}

/** How long the owner of a task has to tell its progress before the last known one is shown. Milliseconds. */
const PROGRESS_TIMEOUT_MS = 500
/** What was last known is kept for this many connectors, and this many tasks, of other workers. */
const KNOWN_MAX = 1_000

/** What a worker asks of the others in its cluster, signed with the cluster's key. */
export class PeerWorkers {
  readonly #options: PeerWorkersOptions
  readonly #tasks = new Map<string, TaskProgress>()
  readonly #connectors = new Map<string, ConnectorProgress>()

  constructor(options: PeerWorkersOptions) {
    this.#options = options
  }

  /** Hands the configurations of a connector's tasks to the leader. @throws RestError */
  async putTaskConfigs(leaderUrl: string, connector: string, configs: readonly Properties[]): Promise<void> {
    const url = `${leaderUrl}connectors/${encodeURIComponent(connector)}/tasks`
    await this.#options.client.request({ method: 'POST', url, body: JSON.stringify(configs), signature: this.#signature() })
  }

  /**
   * The progress of what runs on another worker, as that tells it, or as it was last known. What is not known is left out.
   * Resolves within 500 ms and a little; never rejects.
   */
  async progress(url: string, query: ProgressQuery): Promise<KnownProgress> {
    try {
      const { text } = await this.#options.client.request({
        method: 'POST',
        url: `${url}${PROGRESS_PATH}`,
        body: JSON.stringify(query),
        signature: this.#signature(),
        timeoutMs: PROGRESS_TIMEOUT_MS,
        isOptional: true,
      })
      const told = JSON.parse(text) as WorkerProgress
      for (const [name, progress] of Object.entries(told.tasks)) remember(this.#tasks, name, progress)
      for (const [name, progress] of Object.entries(told.connectors)) remember(this.#connectors, name, progress)
    } catch {
      // It is gone, or does not know the request: what is shown then says when it was observed.
    }
    return this.lastProgress(query)
  }

  /** What was told last, without asking. */
  lastProgress(query: ProgressQuery): KnownProgress {
    return { connectors: chosen(this.#connectors, query.connectors), tasks: chosen(this.#tasks, query.tasks.map(taskKey)) }
  }

  #signature(): { key: SessionKey; algorithm: string } | null {
    const key = this.#options.signingKey()
    return key === null ? null : { key, algorithm: this.#options.algorithm }
  }
}

function remember<Progress>(known: Map<string, Progress>, name: string, progress: Progress): void {
  known.delete(name)
  known.set(name, progress)
  for (const oldest of known.keys()) {
    if (known.size <= KNOWN_MAX) break
    known.delete(oldest)
  }
}

function chosen<Progress>(known: ReadonlyMap<string, Progress>, names: readonly string[]): ReadonlyMap<string, Progress> {
  const found = names.flatMap((name) => {
    const progress = known.get(name)
    return progress === undefined ? [] : [[name, progress] as const]
  })
  return new Map(found)
}

/** There is no key to sign a request with. */
export function noSessionKey(): ConnectError {
  return new ConnectError('This worker has not been able to read a session key from the config topic yet')
}
