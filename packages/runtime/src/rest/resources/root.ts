import type { ServerInfo, WorkerStatus } from '@millrace/rest-api'
import type { Herder } from '../../herder/herder.ts'
import type { RestAnswer } from '../router.ts'

/** What `GET /` tells beside the cluster. */
export type VersionInfo = Omit<ServerInfo, 'kafka_cluster_id'>

const STATUS_OF_HEALTH: Readonly<Record<WorkerStatus['status'], number>> = { healthy: 200, starting: 503, unhealthy: 500 }

export const STARTING: WorkerStatus = { status: 'starting', message: 'Worker is still starting up.' }

/** `RootResource`. */
export class RootResource {
  readonly #herder: Herder
  readonly #version: VersionInfo

  constructor(herder: Herder, version: VersionInfo) {
    this.#herder = herder
    this.#version = version
  }

  serverInfo = (): RestAnswer => {
    const { version, commit, millrace } = this.#version
    return { status: 200, body: { version, commit, kafka_cluster_id: this.#herder.clusterId, millrace } satisfies ServerInfo }
  }

  /** An addition of ours: why did it rebalance? */
  rebalances = (): RestAnswer => ({ status: 200, body: this.#herder.rebalances() })

  health = async (): Promise<RestAnswer> => healthAnswer(await this.#herder.health())
}

export function healthAnswer(health: WorkerStatus): RestAnswer {
  return { status: STATUS_OF_HEALTH[health.status], body: health }
}
