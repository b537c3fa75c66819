import type { ConnectorOffset, InitialState, ProgressQuery, TaskId } from '@millrace/rest-api'
import { JsonError, JsonReader, sourceAt, type JsonLocation, type TokenType } from './json-reader.ts'

/*
 * Binds request bodies as the original does: scalars become strings, a field too many or a nested value is an error, a missing field is null.
 * Errors name the place by a chain of references, each level prepending its own.
 */

export type StringMap = Readonly<Record<string, string | null>>

/** `POST /connectors`, as it arrived. */
export interface CreateRequestBody {
  readonly name: string | null
  readonly config: StringMap | null
  readonly initialState: InitialState | null
}

/** A body that cannot be bound. `message` is the answer's. */
export class BodyError extends Error {
  override readonly name = 'BodyError'
  readonly #text: string
  #references: readonly string[] = []

  constructor(text: string) {
    super(text)
    this.#text = text
  }

  /** The same error, found inside of `reference`. */
  within(reference: string): this {
    this.#references = [reference, ...this.#references]
    this.message = `${this.#text} (through reference chain: ${this.#references.join('->')})`
    return this
  }
}

/** What a missing body means in Java, in the words that its users find in their logs. */
export function nullPointer(call: string, variable: string): BodyError {
  return new BodyError(`Cannot invoke "${call}" because "${variable}" is null`)
}

const ENTITIES = 'org.apache.kafka.connect.runtime.rest.entities'
const CREATE_REQUEST = `${ENTITIES}.CreateConnectorRequest`
const INITIAL_STATE = `${CREATE_REQUEST}$InitialState`
const OFFSETS = `${ENTITIES}.ConnectorOffsets`
const OFFSET = `${ENTITIES}.ConnectorOffset`
const STRING_MAP = 'java.util.LinkedHashMap<java.lang.String,java.lang.String>'
const OBJECT_MAP = 'java.util.LinkedHashMap<java.lang.String,java.lang.Object>'

/** @returns null for an empty body and for `null`. @throws BodyError */
export function readCreateRequest(bytes: Buffer): CreateRequestBody | null {
  return readBody(bytes, CREATE_REQUEST, (reader) => {
    let name: string | null = null
    let config: StringMap | null = null
    let initialState: InitialState | null = null
    bindObject(reader, CREATE_REQUEST, ['config', 'name', 'initial_state'], (field) => {
      if (field === 'name') name = stringValue(reader)
      else if (field === 'config') config = stringMap(reader)
      else initialState = initialStateValue(reader)
    })
    return { name, config, initialState }
  })
}

/** @returns null for an empty body and for `null`. @throws BodyError */
export function readStringMap(bytes: Buffer): StringMap | null {
  return readBody(bytes, 'java.util.Map', stringMap)
}

/** The offsets of `PATCH /connectors/{c}/offsets`; null where the body is empty or `null`. @throws BodyError */
export function readConnectorOffsets(bytes: Buffer): { readonly offsets: readonly (ConnectorOffset | null)[] | null } | null {
  return readBody(bytes, OFFSETS, (reader) => {
    let offsets: readonly (ConnectorOffset | null)[] | null = null
    bindObject(reader, OFFSETS, ['offsets'], () => {
      offsets = list(reader, `java.util.ArrayList<${OFFSET}>`, () => connectorOffset(reader))
    })
    return { offsets }
  })
}

/** The task configurations of the internal request `POST /connectors/{c}/tasks`. @throws BodyError, also for an empty body. */
export function readTaskConfigs(bytes: Buffer): readonly (StringMap | null)[] {
  if (bytes.toString('latin1').trim() === '')
    throw new BodyError(`No content to map due to end-of-input\n at ${sourceAt({ line: 1, column: 1 }).replace(', column: 1', '')}`)
  const type = 'java.util.ArrayList<java.util.Map<java.lang.String,java.lang.String>>'
  return readBody(bytes, null, (reader) => list(reader, type, () => stringMap(reader))) ?? []
}

/** What another worker asks of this one. @throws BodyError */
export function readProgressQuery(bytes: Buffer): ProgressQuery {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    throw new BodyError('The body is no JSON')
  }
  const { connectors, tasks } = (value ?? {}) as Partial<ProgressQuery>
  const isQuery =
    Array.isArray(connectors) && connectors.every((name) => typeof name === 'string') && Array.isArray(tasks) && tasks.every((task) => isTaskId(task))
  if (!isQuery) throw new BodyError('The body does not name connectors and tasks')
  return { connectors, tasks }
}

function isTaskId(value: unknown): value is TaskId {
  const { connector, task } = (value ?? {}) as Partial<TaskId>
  return typeof connector === 'string' && Number.isInteger(task)
}

/** @param boundAs the type for the message about text behind the value; null: such text is not looked at. */
function readBody<T>(bytes: Buffer, boundAs: string | null, bind: (reader: JsonReader) => T): T | null {
  const reader = new JsonReader(bytes)
  try {
    const first = reader.next()
    if (first === 'END') return null
    const value = first === 'NULL' ? null : bind(reader)
    const trailing = boundAs === null ? 'END' : reader.next()
    if (trailing === 'END') return value
    throw errorAt(
      reader.tokenLocation,
      `Trailing token (of type ${TOKEN_NAMES[trailing]}) found after value (bound as \`${boundAs}\`): not allowed as per \`DeserializationFeature.FAIL_ON_TRAILING_TOKENS\``,
    )
  } catch (error) {
    throw error instanceof JsonError ? new BodyError(error.message) : error
  }
}

/** Binds an object with a fixed set of fields; `bindField` reads the value at the reader's token. */
function bindObject(reader: JsonReader, type: string, known: readonly string[], bindField: (field: string) => void): void {
  if (reader.type !== 'START_OBJECT') throw notAnObject(reader, type)
  let unknown: string | null = null
  while (reader.next() === 'FIELD_NAME') {
    const field = reader.text
    reader.next()
    if (known.includes(field)) inside(`${type}["${field}"]`, () => bindField(field))
    else {
      unknown ??= field
      reader.skipChildren()
    }
  }
  if (unknown === null) return
  // Found out at the end of the object only, as in the original: an error of syntax before it comes first.
  const properties =
    known.length === 1 ? `one known property: "${known[0]}"` : `${known.length} known properties: ${known.map((name) => `"${name}"`).join(', ')}`
  const message = `Unrecognized field "${unknown}" (class ${type}), not marked as ignorable (${properties})`
  throw errorAt(reader.location, message).within(`${type}["${unknown}"]`)
}

function connectorOffset(reader: JsonReader): ConnectorOffset {
  let partition: ConnectorOffset['partition'] = null
  let offset: ConnectorOffset['offset'] = null
  bindObject(reader, OFFSET, ['partition', 'offset'], (field) => {
    if (field === 'partition') partition = objectMap(reader)
    else offset = objectMap(reader)
  })
  return { partition, offset }
}

function stringMap(reader: JsonReader): StringMap | null {
  return map(reader, STRING_MAP, () => stringValue(reader))
}

function objectMap(reader: JsonReader): Readonly<Record<string, unknown>> | null {
  return map(reader, OBJECT_MAP, () => anyValue(reader))
}

function map<T>(reader: JsonReader, type: string, bindValue: () => T): Readonly<Record<string, T>> | null {
  if (reader.type === 'NULL') return null
  if (reader.type === 'STRING') throw noCreator(reader, 'java.util.LinkedHashMap')
  if (reader.type !== 'START_OBJECT') throw mismatch(reader, type)
  const entries: [string, T][] = []
  while (reader.next() === 'FIELD_NAME') {
    const key = reader.text
    reader.next()
    entries.push([key, insideMap(key, bindValue)])
  }
  // Not by assignment: a key `__proto__` shall be a key like others.
  return Object.fromEntries(entries)
}

function list<T>(reader: JsonReader, type: string, bindElement: () => T): (T | null)[] | null {
  if (reader.type === 'NULL') return null
  // A broken string is found before its type is.
  if (reader.type === 'STRING') void reader.text
  if (reader.type !== 'START_ARRAY') throw mismatch(reader, type)
  const elements: (T | null)[] = []
  for (let token = reader.next(); token !== 'END_ARRAY'; token = reader.next()) {
    elements.push(token === 'NULL' ? null : inside(`java.util.ArrayList[${elements.length}]`, bindElement))
  }
  return elements
}

function stringValue(reader: JsonReader): string | null {
  if (reader.type === 'NULL') return null
  if (reader.type === 'START_OBJECT' || reader.type === 'START_ARRAY') throw mismatch(reader, 'java.lang.String')
  return reader.text
}

function initialStateValue(reader: JsonReader): InitialState | null {
  if (reader.type === 'NULL') return null
  if (reader.type === 'START_OBJECT') throw mismatch(reader, INITIAL_STATE)
  if (reader.type === 'START_ARRAY') {
    throw errorAt(
      reader.tokenLocation,
      `Input mismatch reading Enum \`${INITIAL_STATE}\`: properties-based \`@JsonCreator\` ([method ${INITIAL_STATE}#forValue(java.lang.String)]) expects String Value, got Array value (\`JsonToken.START_ARRAY\`)`,
    )
  }
  const at = reader.tokenLocation
  const text = reader.text.toUpperCase()
  if (text === 'RUNNING' || text === 'PAUSED' || text === 'STOPPED') return text
  throw errorAt(at, `Cannot construct instance of \`${INITIAL_STATE}\`, problem: No enum constant ${CREATE_REQUEST}.InitialState.${text}`)
}

/** Values without a declared type carry no references. Whole numbers become bigints where a number would not hold them exactly. */
function anyValue(reader: JsonReader): unknown {
  switch (reader.type) {
    case 'START_OBJECT':
      return Object.fromEntries(fields(reader))
    case 'START_ARRAY':
      return [...elements(reader)]
    case 'STRING':
      return reader.text
    case 'INT':
      return Number.isSafeInteger(Number(reader.text)) ? Number(reader.text) : BigInt(reader.text)
    case 'FLOAT':
      return Number(reader.text)
    case 'TRUE':
      return true
    case 'FALSE':
      return false
    default:
      return null
  }
}

function* fields(reader: JsonReader): Generator<[string, unknown]> {
  while (reader.next() === 'FIELD_NAME') {
    const key = reader.text
    reader.next()
    yield [key, anyValue(reader)]
  }
}

function* elements(reader: JsonReader): Generator<unknown> {
  while (reader.next() !== 'END_ARRAY') yield anyValue(reader)
}

/** Errors of syntax inside a map's value do not carry the map's reference. */
function insideMap<T>(key: string, bind: () => T): T {
  try {
    return bind()
  } catch (error) {
    throw error instanceof BodyError ? error.within(`java.util.LinkedHashMap["${key}"]`) : error
  }
}

function inside<T>(reference: string, bind: () => T): T {
  try {
    return bind()
  } catch (error) {
    if (error instanceof JsonError) throw new BodyError(error.message).within(reference)
    throw error instanceof BodyError ? error.within(reference) : error
  }
}

function notAnObject(reader: JsonReader, type: string): BodyError {
  return reader.type === 'START_ARRAY' ? mismatch(reader, type) : noCreator(reader, type)
}

function noCreator(reader: JsonReader, type: string): BodyError {
  const at = reader.tokenLocation
  const text = reader.text.trim()
  if (reader.type === 'STRING' && text === '') {
    return errorAt(at, `Cannot coerce empty String ("") to element of \`${type}\` (but could if coercion was enabled using \`CoercionConfig\`)`)
  }
  const [argument, value] =
    reader.type === 'STRING'
      ? ['String', `String value ('${text}')`]
      : reader.type === 'INT'
        ? ['int/Int', `Number value (${text})`]
        : reader.type === 'FLOAT'
          ? ['double/Double', `Number value (${text})`]
          : ['boolean/Boolean', `boolean value (${text})`]
  return errorAt(
    at,
    `Cannot construct instance of \`${type}\` (although at least one Creator exists): no ${argument}-argument constructor/factory method to deserialize from ${value}`,
  )
}

function mismatch(reader: JsonReader, type: string): BodyError {
  return errorAt(
    reader.tokenLocation,
    `Cannot deserialize value of type \`${type}\` from ${SHAPE_NAMES[reader.type]} value (token \`JsonToken.${TOKEN_NAMES[reader.type]}\`)`,
  )
}

function errorAt(location: JsonLocation, message: string): BodyError {
  return new BodyError(`${message}\n at ${sourceAt(location)}`)
}

const TOKEN_NAMES: Readonly<Record<TokenType, string>> = {
  START_OBJECT: 'START_OBJECT',
  END_OBJECT: 'END_OBJECT',
  START_ARRAY: 'START_ARRAY',
  END_ARRAY: 'END_ARRAY',
  FIELD_NAME: 'FIELD_NAME',
  STRING: 'VALUE_STRING',
  INT: 'VALUE_NUMBER_INT',
  FLOAT: 'VALUE_NUMBER_FLOAT',
  TRUE: 'VALUE_TRUE',
  FALSE: 'VALUE_FALSE',
  NULL: 'VALUE_NULL',
  END: 'NOT_AVAILABLE',
}

const SHAPE_NAMES: Readonly<Record<TokenType, string>> = {
  START_OBJECT: 'Object',
  END_OBJECT: 'Object',
  START_ARRAY: 'Array',
  END_ARRAY: 'Array',
  FIELD_NAME: 'Object',
  STRING: 'String',
  INT: 'Integer',
  FLOAT: 'Floating-point',
  TRUE: 'Boolean',
  FALSE: 'Boolean',
  NULL: 'Null',
  END: 'Null',
}
