import { join } from 'node:path'
import { ConnectClient, type ConnectorStateInfo, type RebalanceTimelineInfo } from '@millrace/rest-api'
import { type ProcessExit, waitFor } from '@millrace/testing'
import { startJavaConnect } from '../servers/java-connect.ts'
import { startWorker } from './millrace-process.ts'

export type WorkerKind = 'java' | 'millrace'

/** A distributed worker of either kind, as a process of its own. */
export interface GroupWorker {
  readonly kind: WorkerKind
  readonly name: string
  readonly url: string
  /** As statuses name it: `host:port`. */
  readonly id: string
  readonly client: ConnectClient
  readonly pid: number
  /** The end of its log. */
  readonly output: string
  /** SIGTERM; it leaves the group. */
  stop(): Promise<ProcessExit>
  killAtOnce(): Promise<ProcessExit>
}

export interface ConnectGroupOptions {
  readonly folder: string
  readonly bootstrapServers: string
  /** Of all workers. */
  readonly properties?: Readonly<Record<string, string>>
}

/** Workers of both kinds in one group, on the topics of one cluster. */
export class ConnectGroup {
  readonly workers: GroupWorker[] = []
  readonly #options: ConnectGroupOptions
  #started = 0

  constructor(options: ConnectGroupOptions) {
    this.#options = options
  }

  /** Starts a worker; resolves when its REST API answers. @param properties after those of all workers. */
  async start(kind: WorkerKind, name: string, properties: Readonly<Record<string, string>> = {}): Promise<GroupWorker> {
    const { bootstrapServers } = this.#options
    const folder = join(this.#options.folder, `${++this.#started}-${name}-${kind}`)
    const common = { folder, bootstrapServers, properties: { ...this.#options.properties, ...properties }, mode: 'distributed' as const }
    // Compiled once only: it starts in half the time, and these tests do not measure.
    const heapOptions = ['-Xms64M', '-Xmx256M', '-XX:TieredStopAtLevel=1']
    const started = kind === 'java' ? await startJavaConnect({ ...common, heapOptions }) : await startWorker(common)
    const worker: GroupWorker = {
      kind,
      name,
      url: started.url,
      id: new URL(started.url).host,
      client: new ConnectClient(started.url, { requestTimeoutMs: 30_000 }),
      get pid() {
        return 'process' in started ? started.process.pid : started.pid
      },
      get output() {
        return 'process' in started ? started.process.output : started.output
      },
      stop: async () => {
        const exit = await started.stop()
        this.#forget(worker)
        return exit
      },
      killAtOnce: async () => {
        const exit = await started.killAtOnce()
        this.#forget(worker)
        return exit
      },
    }
    this.workers.push(worker)
    return worker
  }

  /** The worker that runs the group, as one of ours sees it, or else a Java worker's log. Null while nobody knows. */
  async leader(): Promise<GroupWorker | null> {
    for (const worker of this.workers) {
      const url = worker.kind === 'java' ? lastLeaderUrl(worker.output) : await leaderUrlOf(worker)
      const leader = this.workers.find((each) => url !== null && new URL(each.url).host === new URL(url).host)
      if (leader !== undefined) return leader
    }
    return null
  }

  /**
   * Waits until each worker sees the connector in the state, with so many tasks in the same state, all on workers of the group.
   * @param state of connector and tasks.
   */
  async untilState(connector: string, state: 'RUNNING' | 'PAUSED', tasks = 1): Promise<ConnectorStateInfo> {
    const ids = () => new Set(this.workers.map(({ id }) => id))
    const isThere = (status: ConnectorStateInfo) =>
      status.tasks.length === tasks && [status.connector, ...status.tasks].every((each) => each.state === state && ids().has(each.worker_id))
    return await waitFor(
      async () => {
        const statuses = await Promise.all(this.workers.map(({ client }) => client.connectorStatus(connector)))
        return statuses.every(isThere) ? statuses[0] : null
      },
      { what: `"${connector}" to be ${state}`, deadlineMs: 60_000, intervalMs: 100, describe: () => this.describe(connector) },
    )
  }

  /** What there is to say when a wait ends in vain. */
  async describe(...connectors: readonly string[]): Promise<string> {
    const parts = this.workers.map(async (worker) => {
      const statuses = await Promise.allSettled(connectors.map((name) => worker.client.connectorStatus(name)))
      const texts = statuses.map((status) => (status.status === 'fulfilled' ? JSON.stringify(status.value) : String(status.reason)))
      return `${worker.name} (${worker.kind}, ${worker.id})\n${texts.join('\n')}\nLog (end):\n${worker.output.slice(-3000)}`
    })
    return (await Promise.all(parts)).join('\n\n')
  }

  async close(): Promise<void> {
    await Promise.all([...this.workers].map((worker) => worker.killAtOnce()))
  }

  #forget(worker: GroupWorker): void {
    const index = this.workers.indexOf(worker)
    if (index >= 0) this.workers.splice(index, 1)
  }
}

function lastLeaderUrl(log: string): string | null {
  return [...log.matchAll(/leaderUrl='([^']+)'/g)].at(-1)?.[1] ?? null
}

async function leaderUrlOf(worker: GroupWorker): Promise<string | null> {
  const response = await fetch(`${worker.url}/millrace/rebalances`)
  const { rebalances } = (await response.json()) as RebalanceTimelineInfo
  return rebalances.at(-1)?.leader_url ?? null
}
