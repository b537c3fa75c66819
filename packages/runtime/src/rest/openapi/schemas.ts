/** A JSON schema, as OpenAPI 3.1 takes it. */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly enum?: readonly (string | null)[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: JsonSchema | boolean
  readonly anyOf?: readonly JsonSchema[]
  readonly format?: string
}

type Fields = Readonly<Record<string, JsonSchema>>

const text: JsonSchema = { type: 'string' }
const textOrNull: JsonSchema = { type: ['string', 'null'] }
const integer: JsonSchema = { type: 'integer' }
const integerOrNull: JsonSchema = { type: ['integer', 'null'] }
const flag: JsonSchema = { type: 'boolean' }
const anything: JsonSchema = {}
const texts: JsonSchema = { type: 'array', items: text }
const oneOf = (...values: readonly string[]): JsonSchema => ({ type: 'string', enum: values })
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items })
const map = (values: JsonSchema): JsonSchema => ({ type: 'object', additionalProperties: values })
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] })

/** What a field's schema is called below. */
export function schemaNamed(name: SchemaName): JsonSchema {
  return { $ref: `#/components/schemas/${name}` }
}

/** All fields are there, but for those of `optional`. */
function entity(fields: Fields, optional: Fields = {}): JsonSchema {
  return { type: 'object', properties: { ...fields, ...optional }, required: Object.keys(fields) }
}

const connectorState = oneOf('UNASSIGNED', 'RUNNING', 'PAUSED', 'STOPPED', 'FAILED', 'RESTARTING')
const taskState = oneOf('UNASSIGNED', 'RUNNING', 'PAUSED', 'FAILED', 'RESTARTING')
const connectorType = oneOf('source', 'sink', 'unknown')
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })

/** The entities of `@millrace/rest-api`, by their names. */
export const schemas = {
  ServerInfo: entity(
    { version: { ...text, description: 'The version of Kafka Connect that this worker is compatible with.' }, commit: text, kafka_cluster_id: text },
    { millrace: entity({ version: text, node: text }) },
  ),
  WorkerStatus: entity({ status: oneOf('healthy', 'starting', 'unhealthy'), message: text }, { millrace: entity({ warnings: texts }) }),
  ErrorMessage: entity({ error_code: integer, message: textOrNull }),
  Message: entity({ message: text }),
  ConnectorConfig: map(textOrNull),
  RequestedConfig: { ...map({ type: ['string', 'number', 'boolean', 'null'] }), description: 'Numbers and booleans become text.' },
  CreateConnectorRequest: entity({ name: text, config: ref('RequestedConfig') }, { initial_state: oneOf('RUNNING', 'PAUSED', 'STOPPED') }),
  TaskId: entity({ connector: text, task: integer }),
  ConnectorInfo: entity({ name: text, config: ref('ConnectorConfig'), tasks: list(ref('TaskId')), type: connectorType }),
  ConnectorNames: texts,
  ConnectorsExpanded: map(entity({}, { status: ref('ConnectorStateInfo'), info: ref('ConnectorInfo') })),
  ConnectorStateInfo: entity({
    name: text,
    connector: entity({ state: connectorState, worker_id: text }, { trace: text, version: textOrNull, millrace: ref('ConnectorObservation') }),
    tasks: list(ref('TaskInstanceState')),
    type: connectorType,
  }),
  ConnectorObservation: entity(
    {},
    {
      observed_by: text,
      observed_at: { type: 'string', format: 'date-time' },
      in_group: flag,
      activity: ref('TaskActivity'),
      warnings: texts,
      restarts: ref('RestartInfo'),
      failure: ref('FailureReport'),
    },
  ),
  TaskActivity: entity(
    {
      state: oneOf('starting', 'running', 'idle', 'waiting_for_batch', 'retrying', 'blocked', 'paused', 'stalled', 'failed', 'stopped'),
      since: { type: 'string', format: 'date-time' },
      detail: text,
    },
    {
      batch: entity({ records: integer, of: integer, until: { type: ['string', 'null'], format: 'date-time' } }),
      retry: entity({ attempt: integer, cause: text, next_at: { type: ['string', 'null'], format: 'date-time' } }),
      stall: entity({ reason: oneOf('call', 'lag', 'backlog'), for_ms: integer }, { call: text }),
    },
  ),
  FailureReport: entity({
    root_cause: text,
    class: oneOf('transient', 'authentication', 'configuration', 'data', 'resource', 'bug'),
    hint: text,
    try: text,
    where: ref('FailurePlace'),
    causes: texts,
    at: { type: 'string', format: 'date-time' },
    later_failures: integer,
    recent_events: texts,
  }),
  FailurePlace: entity(
    { connector: text },
    {
      task: integer,
      stage: text,
      transform: entity({ alias: text, position: integer }),
      topic: text,
      partition: integer,
      offset: integer,
      source_partition: map(anything),
      source_offset: map(anything),
    },
  ),
  RestartInfo: entity({
    enabled: flag,
    attempts: integer,
    max: integer,
    next_at: { type: ['string', 'null'], format: 'date-time' },
    given_up: flag,
    last_cause: textOrNull,
  }),
  TaskInstanceState: entity({ id: integer, state: taskState, worker_id: text }, { trace: text, version: textOrNull, millrace: ref('TaskProgress') }),
  TaskProgress: entity(
    {
      ledger: entity({
        read: integer,
        written: integer,
        filtered: integer,
        dead_lettered: integer,
        skipped: integer,
        given_back: integer,
        in_flight: integer,
        balanced: flag,
        imbalances: integer,
        filtered_by_transform: map(integer),
        coerced_fields: map(integer),
      }),
      activity: ref('TaskActivity'),
      lag_seconds: { type: ['number', 'null'] },
      in_out: entity({ read_per_second: { type: 'number' }, written_per_second: { type: 'number' } }),
      stage_time_ms: map({ type: 'number' }),
      last_progress_at: { type: ['string', 'null'], format: 'date-time' },
      lag: integerOrNull,
      errors: entity({
        failures: integer,
        errors: integer,
        skipped: integer,
        retries: integer,
        logged: integer,
        dead_letter_requests: integer,
        dead_letter_failures: integer,
        last_error_at: { type: ['string', 'null'], format: 'date-time' },
      }),
      observed_by: text,
      observed_at: { type: 'string', format: 'date-time' },
    },
    { restarts: ref('RestartInfo'), failure: ref('FailureReport'), stop: oneOf('stopped', 'aborted', 'terminated', 'abandoned') },
  ),
  MetricsText: { ...text, description: 'Not JSON: the text format 0.0.4 of Prometheus, or OpenMetrics 1.0.0.' },
  WebhookTest: entity({ delivered: flag, status: integerOrNull, error: textOrNull, took_ms: integer }),
  TaskInfos: list(entity({ id: ref('TaskId'), config: ref('ConnectorConfig') })),
  ActiveTopicsInfo: map(entity({ topics: texts })),
  ConnectorOffset: entity({ partition: orNull(map(anything)), offset: orNull(map(anything)) }),
  ConnectorOffsets: entity({ offsets: list(ref('ConnectorOffset')) }),
  PluginInfos: list(
    entity(
      { class: text, type: oneOf('source', 'sink', 'transformation', 'predicate', 'converter', 'header_converter') },
      { version: text, millrace: entity({ version: text, location: text }) },
    ),
  ),
  ConfigKeyInfo: entity({
    name: text,
    type: text,
    required: flag,
    default_value: textOrNull,
    importance: text,
    documentation: text,
    group: textOrNull,
    order_in_group: integer,
    width: text,
    display_name: text,
    dependents: texts,
  }),
  ConfigKeyInfos: list(ref('ConfigKeyInfo')),
  ConfigValueInfo: entity({ name: text, value: textOrNull, recommended_values: texts, errors: texts, visible: flag }),
  ConfigInfos: entity({
    name: text,
    error_count: integer,
    groups: texts,
    configs: list(entity({ definition: orNull(ref('ConfigKeyInfo')), value: orNull(ref('ConfigValueInfo')) })),
  }),
  LoggerLevel: entity({ level: text, last_modified: integerOrNull }),
  LoggerLevels: map(ref('LoggerLevel')),
  LoggerNames: texts,
  LoggerLevelRequest: entity({ level: oneOf('TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'OFF') }),
  TaskConfigs: list(map(text)),
  ProgressQuery: entity({ connectors: texts, tasks: list(ref('TaskId')) }),
  ConnectorProgress: entity({ activity: ref('TaskActivity'), warnings: texts }, { restarts: ref('RestartInfo'), failure: ref('FailureReport') }),
  WorkerProgress: entity({ connectors: map(ref('ConnectorProgress')), tasks: map(ref('TaskProgress')) }),
  RebalanceTimelineInfo: entity({ observed_by: text, rebalances: list(ref('RebalanceEvent')) }),
  RebalanceEvent: entity({
    at: { type: 'string', format: 'date-time' },
    generation: integer,
    trigger: oneOf('start', 'join', 'leave', 'time-out', 'configuration', 'revocation', 'delay', 'group'),
    reason: text,
    duration_ms: { type: 'number' },
    leader_url: text,
    is_leader: flag,
    members: orNull(texts),
    joined: texts,
    left: texts,
    moved: list(entity({ connector: text, from: textOrNull, to: textOrNull, paused_ms: { type: ['number', 'null'] } }, { task: integer })),
    moved_count: integer,
    delay_ms: integer,
  }),
  OpenApiDocument: { type: 'object', additionalProperties: true },
} as const satisfies Readonly<Record<string, JsonSchema>>

export type SchemaName = keyof typeof schemas
