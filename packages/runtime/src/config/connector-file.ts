import type { TargetState } from '../storage/config-store.ts'
import { parsePropertiesFile, type PropertiesFile, readSettingsFile, SettingsFileError } from './properties-file.ts'

/** What a file of standalone mode's command line asks for. */
export interface ConnectorFile {
  readonly name: string
  readonly config: Readonly<Record<string, string>>
  /** Null where the file does not say: the connector is started. */
  readonly initialState: TargetState | null
  /** Of properties: the line of each key. Empty for JSON. */
  readonly lines: PropertiesFile['lines']
  /** Keys that the file writes more than once; the last one counts. */
  readonly duplicates: readonly { readonly key: string; readonly lines: readonly number[] }[]
}

/**
 * Reads a connector's file: a JSON object of settings with `name`, a JSON object `{name, config, initial_state}` as `POST /connectors` takes it
 * (other fields are ignored), or properties.
 *
 * @throws SettingsFileError
 */
export async function readConnectorFile(file: string): Promise<ConnectorFile> {
  const text = await readSettingsFile(file)
  return parseConnectorFile(text, file)
}

/** @param text the file's bytes as ISO-8859-1 */
export function parseConnectorFile(text: string, file: string): ConnectorFile {
  const json = parsedJson(text, file)
  if (json === null) {
    const { properties, ...where } = parsePropertiesFile(text, file)
    return named(properties, file, where)
  }
  return isRequest(json) ? requested(json, file) : named(settings(json, file), file, NOWHERE)
}

/** Null where the file holds no JSON object and is read as properties. */
function parsedJson(text: string, file: string): Record<string, unknown> | null {
  // JSON is UTF-8, unlike properties.
  const utf8 = Buffer.from(text, 'latin1').toString('utf8')
  try {
    const parsed: unknown = JSON.parse(utf8)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : null
  } catch (error) {
    // No key of a connector begins with a brace, so this is JSON with a mistake.
    if (utf8.trimStart().startsWith('{')) throw new SettingsFileError(`is no valid JSON: ${(error as Error).message}`, { file }, { cause: error })
    return null
  }
}

function isRequest(json: Readonly<Record<string, unknown>>): boolean {
  return typeof json.config === 'object' && json.config !== null
}

function requested(json: Readonly<Record<string, unknown>>, file: string): ConnectorFile {
  const { name, config, initial_state: initialState } = json
  if (typeof name !== 'string' || name === '') throw missingName(file)
  const connectorSettings = settings(config as Record<string, unknown>, file)
  const nameInConfig = connectorSettings.name ?? name
  if (nameInConfig !== name) throw new SettingsFileError(`has the name "${name}", but its config has the name "${nameInConfig}"`, { file, key: 'name' })
  return { name, config: { ...connectorSettings, name }, initialState: targetState(initialState, file), ...NOWHERE }
}

type Places = Pick<ConnectorFile, 'lines' | 'duplicates'>

/** The parser of JSON tells no lines. */
const NOWHERE: Places = { lines: new Map(), duplicates: [] }

function named(config: Readonly<Record<string, string>>, file: string, where: Places): ConnectorFile {
  const { name } = config
  if (name === undefined) throw missingName(file)
  return { name, config, initialState: null, ...where }
}

function missingName(file: string): SettingsFileError {
  return new SettingsFileError(`Connector configuration at '${file}' is missing the mandatory 'name' configuration`, { file, key: 'name' })
}

/** Numbers and booleans become text, as over REST. */
function settings(json: Readonly<Record<string, unknown>>, file: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [key, String(value)]
      throw new SettingsFileError('must be a text, a number or a boolean', { file, key })
    }),
  )
}

const TARGET_STATES: Readonly<Record<string, TargetState>> = { RUNNING: 'STARTED', PAUSED: 'PAUSED', STOPPED: 'STOPPED' }

function targetState(initialState: unknown, file: string): TargetState | null {
  if (initialState === undefined || initialState === null) return null
  const state = typeof initialState === 'string' ? TARGET_STATES[initialState.toUpperCase()] : undefined
  if (state === undefined) throw new SettingsFileError('must be one of RUNNING, PAUSED, STOPPED', { file, key: 'initial_state' })
  return state
}
