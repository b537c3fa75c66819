import type { Herder } from '../../herder/herder.ts'
import { readProgressQuery, readTaskConfigs } from '../request-bodies.ts'
import type { RestAnswer, RestRequest } from '../router.ts'

/** `InternalConnectResource`: what workers of a cluster ask of each other. */
export class InternalResource {
  readonly #herder: Herder

  constructor(herder: Herder) {
    this.#herder = herder
  }

  putTaskConfigs = async (request: RestRequest): Promise<RestAnswer> => {
    const configs = readTaskConfigs(request.body).map((config) => Object.fromEntries(Object.entries(config ?? {}).map(([key, value]) => [key, value ?? ''])))
    await this.#herder.putTaskConfigs(request.param('connector'), configs, request)
    return { status: 204 }
  }

  /** An addition of ours: how connectors and tasks of this worker are, for the worker that answers for them. */
  progress = async (request: RestRequest): Promise<RestAnswer> => ({
    status: 200,
    body: await this.#herder.localProgress(readProgressQuery(request.body), request),
  })

  fence = async (request: RestRequest): Promise<RestAnswer> => {
    await this.#herder.fenceZombieSourceTasks(request.param('connector'), request)
    return { status: 204 }
  }
}
