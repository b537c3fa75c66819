import type { Logger } from '@millrace/api'
import type { ConnectorInfo, ConnectorOffset, ConnectorsExpanded, InitialState } from '@millrace/rest-api'
import { BadRequestRestError, NotFoundRestError } from '../../herder/errors.ts'
import type { Herder, PutConnectorOptions } from '../../herder/herder.ts'
import { httpError } from '../error-responses.ts'
import { nullPointer, readConnectorOffsets, readCreateRequest, readStringMap, type StringMap } from '../request-bodies.ts'
import type { RestAnswer, RestRequest } from '../router.ts'

const ENTITIES = 'org.apache.kafka.connect.runtime.rest.entities'
const NO_CONTENT: RestAnswer = { status: 204 }
const ACCEPTED: RestAnswer = { status: 202 }
const TARGET_STATES: Readonly<Record<InitialState, NonNullable<PutConnectorOptions['initialState']>>> = {
  RUNNING: 'STARTED',
  PAUSED: 'PAUSED',
  STOPPED: 'STOPPED',
}

/** `ConnectorsResource`: one method per endpoint below `/connectors`. */
export class ConnectorsResource {
  readonly #herder: Herder
  readonly #log: Logger

  constructor(herder: Herder, log: Logger) {
    this.#herder = herder
    this.#log = log
  }

  list = async (request: RestRequest): Promise<RestAnswer> => {
    const expansions = request.queries('expand')
    if (expansions.length === 0) return { status: 200, body: this.#herder.connectors() }
    return { status: 200, body: await this.#expanded(expansions) }
  }

  create = async (request: RestRequest): Promise<RestAnswer> => {
    const body = readCreateRequest(request.body)
    if (body === null) throw nullPointer(`${ENTITIES}.CreateConnectorRequest.name()`, 'createRequest')
    const name = (body.name ?? '').trim()
    const config = configOf(name, body.config)
    const initialState = body.initialState === null ? null : TARGET_STATES[body.initialState]
    const { info } = await this.#herder.putConnector(name, config, { allowReplace: false, initialState })
    return { status: 201, body: info, location: locationOf(name) }
  }

  info = (request: RestRequest): RestAnswer => ({ status: 200, body: this.#herder.connectorInfo(request.param('connector')) })

  config = (request: RestRequest): RestAnswer => ({ status: 200, body: this.#herder.connectorConfig(request.param('connector')) })

  putConfig = async (request: RestRequest): Promise<RestAnswer> => {
    const name = request.param('connector')
    const config = configOf(name, readStringMap(request.body))
    const { created, info } = await this.#herder.putConnector(name, config, { allowReplace: true, initialState: null })
    return created ? { status: 201, body: info, location: locationOf(name) } : { status: 200, body: info }
  }

  patchConfig = async (request: RestRequest): Promise<RestAnswer> => {
    const name = request.param('connector')
    const patch = readStringMap(request.body)
    if (patch === null) {
      // An unknown connector is found first.
      this.#herder.connectorConfig(name)
      throw nullPointer('java.util.Map.forEach(java.util.function.BiConsumer)', 'patch')
    }
    return { status: 200, body: await this.#herder.patchConnectorConfig(name, patch) }
  }

  remove = async (request: RestRequest): Promise<RestAnswer> => {
    await this.#herder.deleteConnector(request.param('connector'))
    return NO_CONTENT
  }

  status = async (request: RestRequest): Promise<RestAnswer> => ({ status: 200, body: await this.#herder.connectorStatus(request.param('connector')) })

  pause = async (request: RestRequest): Promise<RestAnswer> => {
    await this.#herder.pauseConnector(request.param('connector'))
    return ACCEPTED
  }

  resume = async (request: RestRequest): Promise<RestAnswer> => {
    await this.#herder.resumeConnector(request.param('connector'))
    return ACCEPTED
  }

  stop = async (request: RestRequest): Promise<RestAnswer> => {
    await this.#herder.stopConnector(request.param('connector'))
    return NO_CONTENT
  }

  restart = async (request: RestRequest): Promise<RestAnswer> => {
    const includeTasks = isTrue(request.query('includeTasks'))
    const onlyFailed = isTrue(request.query('onlyFailed'))
    const state = await this.#herder.restartConnector(request.param('connector'), { includeTasks, onlyFailed })
    return state === null ? NO_CONTENT : { status: 202, body: state }
  }

  tasks = (request: RestRequest): RestAnswer => ({ status: 200, body: this.#herder.taskConfigs(request.param('connector')) })

  taskStatus = async (request: RestRequest): Promise<RestAnswer> => {
    const task = taskNumber(request.param('task'))
    if (task === null) return httpError(404)
    return { status: 200, body: await this.#herder.taskStatus({ connector: request.param('connector'), task }) }
  }

  restartTask = async (request: RestRequest): Promise<RestAnswer> => {
    const task = taskNumber(request.param('task'))
    if (task === null) return httpError(404)
    await this.#herder.restartTask({ connector: request.param('connector'), task })
    return NO_CONTENT
  }

  topics = (request: RestRequest): RestAnswer => ({ status: 200, body: this.#herder.connectorTopics(request.param('connector')) })

  resetTopics = (request: RestRequest): RestAnswer => {
    this.#herder.resetConnectorTopics(request.param('connector'))
    return ACCEPTED
  }

  offsets = async (request: RestRequest): Promise<RestAnswer> => ({ status: 200, body: await this.#herder.connectorOffsets(request.param('connector')) })

  alterOffsets = async (request: RestRequest): Promise<RestAnswer> => {
    const body = readConnectorOffsets(request.body)
    if (body === null) throw nullPointer(`${ENTITIES}.ConnectorOffsets.offsets()`, 'offsets')
    if (body.offsets === null || body.offsets.length === 0) {
      throw new BadRequestRestError('Partitions / offsets need to be provided for an alter offsets request')
    }
    return { status: 200, body: await this.#herder.alterConnectorOffsets(request.param('connector'), body.offsets.map(presentOffset)) }
  }

  resetOffsets = async (request: RestRequest): Promise<RestAnswer> => ({
    status: 200,
    body: await this.#herder.resetConnectorOffsets(request.param('connector')),
  })

  async #expanded(expansions: readonly string[]): Promise<ConnectorsExpanded> {
    for (const expansion of expansions) {
      if (expansion !== 'status' && expansion !== 'info') this.#log.info(`Ignoring unknown expansion type ${expansion}`)
    }
    const names = this.#herder.connectors()
    const statuses = expansions.includes('status') ? await this.#herder.connectorStatuses(names) : null
    const expanded: [string, ConnectorsExpanded[string]][] = []
    for (const name of names) {
      const status = statuses?.get(name)
      const info = expansions.includes('info') ? this.#infoOrNull(name) : undefined
      // Removed meanwhile, or without a state yet: it is left out.
      if ((statuses !== null && status === undefined) || info === null) this.#log.debug(`Unable to get connector info for ${name} on this worker`)
      else expanded.push([name, { ...(status && { status }), ...(info && { info }) }])
    }
    return Object.fromEntries(expanded)
  }

  #infoOrNull(name: string): ConnectorInfo | null {
    try {
      return this.#herder.connectorInfo(name)
    } catch (error) {
      if (error instanceof NotFoundRestError) return null
      throw error
    }
  }
}

/** The configuration with its name in it; a name that contradicts the URL is refused. */
function configOf(name: string, config: StringMap | null): StringMap {
  if (config === null) throw nullPointer('java.util.Map.get(Object)', 'connectorConfig')
  const included = config.name ?? null
  if (included === null) return Object.fromEntries([...Object.entries(config).filter(([key]) => key !== 'name'), ['name', name]])
  if (included === name) return config
  throw new BadRequestRestError(`Connector name configuration (${included}) doesn't match connector name in the URL (${name})`)
}

function presentOffset(offset: ConnectorOffset | null): ConnectorOffset {
  if (offset === null) throw nullPointer(`${ENTITIES}.ConnectorOffset.partition()`, 'offset')
  return offset
}

/** `Boolean.valueOf`: everything else is false. */
function isTrue(text: string | null): boolean {
  return text?.toLowerCase() === 'true'
}

/** A Java int, or null. */
function taskNumber(text: string): number | null {
  if (!/^[+-]?\d+$/.test(text)) return null
  const number = Number(text)
  return number >= -(2 ** 31) && number < 2 ** 31 ? number : null
}

/** Slashes stay, as in the original's `Location`. */
function locationOf(name: string): string {
  return `/connectors/${encodeURIComponent(name).replaceAll('%2F', '/')}`
}
