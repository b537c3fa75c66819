import type { Logger } from '@millrace/api'
import { BadRequestRestError, NotFoundRestError } from '../../herder/errors.ts'
import { logLevelOf } from '../../logging/log-levels.ts'
import type { Loggers } from '../../logging/loggers.ts'
import { nullPointer, readStringMap } from '../request-bodies.ts'
import type { RestAnswer, RestRequest } from '../router.ts'

/** `LoggingResource`: levels of loggers on this worker. In standalone mode the scope `cluster` is this worker too. */
export class LoggersResource {
  readonly #loggers: Loggers
  readonly #log: Logger

  constructor(loggers: Loggers) {
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

  setLevel = (request: RestRequest): RestAnswer => {
    const body = readStringMap(request.body)
    if (body === null) throw nullPointer('java.util.Map.get(Object)', 'levelMap')
    const text = body.level ?? null
    if (text === null) throw new BadRequestRestError("Desired 'level' parameter was not specified in request.")
    const level = logLevelOf(text)
    if (level === null) throw new NotFoundRestError(`invalid log level '${text}'.`)
    const scope = request.query('scope') ?? 'worker'
    if (!['worker', 'cluster'].includes(scope.toLowerCase())) {
      this.#log.warn(`Received invalid scope '${scope}' in request to adjust logging level; will default to worker`)
    }
    const changed = this.#loggers.setLevel(request.param('logger'), level)
    return scope.toLowerCase() === 'cluster' ? { status: 204 } : { status: 200, body: changed }
  }
}
