import type { Logger } from '@millrace/api'
import { BadRequestRestError, NotFoundRestError } from '../../herder/errors.ts'
import type { Herder } from '../../herder/herder.ts'
import { logLevelOf } from '../../logging/log-levels.ts'
import type { Loggers } from '../../logging/loggers.ts'
import { nullPointer, readStringMap } from '../request-bodies.ts'
import type { RestAnswer, RestRequest } from '../router.ts'

/** `LoggingResource`: levels of loggers on this worker, or of all workers of the cluster (KIP-976). */
export class LoggersResource {
  readonly #herder: Pick<Herder, 'setClusterLoggerLevel'>
  readonly #loggers: Loggers
  readonly #log: Logger

  constructor(herder: Pick<Herder, 'setClusterLoggerLevel'>, loggers: Loggers) {
    this.#herder = herder
    this.#loggers = loggers
    this.#log = loggers.logger('rest/resources/loggers')
  }

  list = (): RestAnswer => ({ status: 200, body: this.#loggers.allLevels() })

  level = (request: RestRequest): RestAnswer => {
    const name = request.param('logger')
    const level = this.#loggers.level(name)
    if (level === null) throw new NotFoundRestError(`Logger ${name} not found.`)
    return { status: 200, body: level }
  }

  setLevel = async (request: RestRequest): Promise<RestAnswer> => {
    const body = readStringMap(request.body)
    if (body === null) throw nullPointer('java.util.Map.get(Object)', 'levelMap')
    const text = body.level ?? null
    if (text === null) throw new BadRequestRestError("Desired 'level' parameter was not specified in request.")
    const level = logLevelOf(text)
    if (level === null) throw new NotFoundRestError(`invalid log level '${text}'.`)
    const scope = request.query('scope') ?? 'worker'
    const namespace = request.param('logger')
    if (scope.toLowerCase() === 'cluster') {
      await this.#herder.setClusterLoggerLevel(namespace, text)
      return { status: 204 }
    }
    if (scope.toLowerCase() !== 'worker') {
      this.#log.warn(`Received invalid scope '${scope}' in request to adjust logging level; will default to worker`)
    }
    return { status: 200, body: this.#loggers.setLevel(namespace, level) }
  }
}
