import type { Herder } from '../../herder/herder.ts'
import { readTaskConfigs } from '../request-bodies.ts'
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

  fence = async (request: RestRequest): Promise<RestAnswer> => {
    await this.#herder.fenceZombieSourceTasks(request.param('connector'), request)
    return { status: 204 }
  }
}
