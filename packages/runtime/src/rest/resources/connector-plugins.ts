import { failureOf } from '../../errors/failure.ts'
import { BadRequestRestError, ConflictRestError, NotFoundRestError, RestError } from '../../herder/errors.ts'
import type { Herder } from '../../herder/herder.ts'
import { errorAnswer } from '../error-responses.ts'
import { nullPointer, readStringMap } from '../request-bodies.ts'
import type { RestAnswer, RestRequest } from '../router.ts'

const SUFFIX = 'Connector'

/** `ConnectorPluginsResource`. */
export class ConnectorPluginsResource {
  readonly #herder: Herder

  constructor(herder: Herder) {
    this.#herder = herder
  }

  list = (request: RestRequest): RestAnswer => {
    const connectorsOnly = request.query('connectorsOnly')
    // A Java boolean: empty means the default, everything but "true" means false.
    return { status: 200, body: this.#herder.connectorPlugins(connectorsOnly === null || connectorsOnly === '' || connectorsOnly.toLowerCase() === 'true') }
  }

  config = async (request: RestRequest): Promise<RestAnswer> => ({
    status: 200,
    body: await this.#herder.pluginConfig(request.param('plugin'), request.query('version') ?? undefined),
  })

  validate = async (request: RestRequest): Promise<RestAnswer> => {
    const plugin = request.param('plugin')
    const config = readStringMap(request.body)
    if (config === null) throw nullPointer('java.util.Map.get(Object)', 'connectorConfig')
    const included = config['connector.class'] ?? null
    if (included !== null && !withoutSuffix(included).endsWith(withoutSuffix(plugin))) {
      throw new BadRequestRestError(`Included connector type ${included} does not match request type ${plugin}`)
    }
    try {
      return { status: 200, body: await this.#herder.validateConnectorConfig(config) }
    } catch (error) {
      // The original waits for the validation in another thread, so that its errors arrive wrapped: always 500, the class before the message.
      if (error instanceof RestError && error.status === 500) throw error
      const { javaClass, message } = failureOf(error)
      return errorAnswer(500, `${restClass(error) ?? javaClass}: ${message}`)
    }
  }
}

function withoutSuffix(name: string): string {
  return name.endsWith(SUFFIX) && name.length > SUFFIX.length ? name.slice(0, -SUFFIX.length) : name
}

function restClass(error: unknown): string | null {
  if (error instanceof BadRequestRestError) return 'org.apache.kafka.connect.runtime.rest.errors.BadRequestException'
  if (error instanceof NotFoundRestError) return 'org.apache.kafka.connect.errors.NotFoundException'
  if (error instanceof ConflictRestError) return 'org.apache.kafka.connect.errors.AlreadyExistsException'
  return error instanceof RestError ? 'org.apache.kafka.connect.runtime.rest.errors.ConnectRestException' : null
}
