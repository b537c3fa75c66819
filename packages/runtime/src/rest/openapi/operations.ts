import type { SchemaName } from './schemas.ts'

/** What a client has to know of an endpoint beyond its path. */
export interface Operation {
  readonly summary: string
  /** Query parameters with what they do. */
  readonly query?: Readonly<Record<string, QueryParameter>>
  readonly request?: SchemaName
  /** Of each status that means success, what the body is; null for none. */
  readonly answers: Readonly<Record<number, SchemaName | null>>
  /** Of these bodies. Default: JSON. */
  readonly mediaTypes?: readonly string[]
}

export interface QueryParameter {
  readonly description: string
  readonly type: 'boolean' | 'string'
  readonly values?: readonly string[]
  readonly isRepeatable?: boolean
}

const expand: QueryParameter = {
  description: 'What to tell of each connector, beside its name.',
  type: 'string',
  values: ['status', 'info'],
  isRepeatable: true,
}
const includeTasks: QueryParameter = { description: 'Restart its tasks, too.', type: 'boolean' }
const onlyFailed: QueryParameter = { description: 'Leave what has not failed.', type: 'boolean' }
const version: QueryParameter = { description: 'A version or a range of versions of the plug-in; by default the latest.', type: 'string' }
const connectorsOnly: QueryParameter = { description: 'Without transformations, predicates and converters; the default.', type: 'boolean' }
const scope: QueryParameter = { description: 'This worker, or all of its cluster.', type: 'string', values: ['worker', 'cluster'] }

/** By method and path as the routes have them. */
export const operations: Readonly<Record<string, Operation>> = {
  'GET /': { summary: 'Versions, and the Kafka cluster', answers: { 200: 'ServerInfo' } },
  'GET /health': {
    summary: 'Whether the worker has started and answers (KIP-1017)',
    answers: { 200: 'WorkerStatus', 500: 'WorkerStatus', 503: 'WorkerStatus' },
  },
  'GET /openapi.json': { summary: 'This document; an addition', answers: { 200: 'OpenApiDocument' } },
  'GET /connectors': {
    summary: 'Names of all connectors, or with `expand` what there is to say of each (ConnectorsExpanded)',
    query: { expand },
    answers: { 200: 'ConnectorNames' },
  },
  'POST /connectors': { summary: 'Create a connector', request: 'CreateConnectorRequest', answers: { 201: 'ConnectorInfo' } },
  'GET /connectors/:connector': { summary: 'A connector with its configuration and tasks', answers: { 200: 'ConnectorInfo' } },
  'DELETE /connectors/:connector': { summary: 'Remove a connector; its offsets stay', answers: { 204: null } },
  'GET /connectors/:connector/config': { summary: 'The configuration of a connector', answers: { 200: 'ConnectorConfig' } },
  'PUT /connectors/:connector/config': {
    summary: 'Create a connector, or replace its configuration',
    request: 'RequestedConfig',
    answers: { 200: 'ConnectorInfo', 201: 'ConnectorInfo' },
  },
  'PATCH /connectors/:connector/config': {
    summary: 'Change single keys of a configuration; null removes one (KIP-477)',
    request: 'RequestedConfig',
    answers: { 200: 'ConnectorInfo' },
  },
  'GET /connectors/:connector/status': { summary: 'States of a connector and its tasks', answers: { 200: 'ConnectorStateInfo' } },
  'PUT /connectors/:connector/pause': { summary: 'Pause a connector and its tasks', answers: { 202: null } },
  'PUT /connectors/:connector/resume': { summary: 'Resume a paused or stopped connector', answers: { 202: null } },
  'PUT /connectors/:connector/stop': { summary: 'Stop a connector and remove its tasks (KIP-875)', answers: { 204: null } },
  'POST /connectors/:connector/restart': {
    summary: 'Restart a connector, and tasks of it (KIP-745)',
    query: { includeTasks, onlyFailed },
    answers: { 202: 'ConnectorStateInfo', 204: null },
  },
  'GET /connectors/:connector/tasks': { summary: 'Configurations of the tasks of a connector', answers: { 200: 'TaskInfos' } },
  'GET /connectors/:connector/tasks/:task/status': { summary: 'The state of a task', answers: { 200: 'TaskInstanceState' } },
  'POST /connectors/:connector/tasks/:task/restart': { summary: 'Restart a task', answers: { 204: null } },
  'GET /connectors/:connector/topics': { summary: 'Topics that a connector has used (KIP-558)', answers: { 200: 'ActiveTopicsInfo' } },
  'PUT /connectors/:connector/topics/reset': { summary: 'Forget the topics that a connector has used', answers: { 202: null } },
  'GET /connectors/:connector/offsets': { summary: 'Committed offsets of a connector (KIP-875)', answers: { 200: 'ConnectorOffsets' } },
  'PATCH /connectors/:connector/offsets': {
    summary: 'Change offsets of a stopped connector; null removes one',
    request: 'ConnectorOffsets',
    answers: { 200: 'Message' },
  },
  'DELETE /connectors/:connector/offsets': { summary: 'Forget all offsets of a stopped connector', answers: { 200: 'Message' } },
  'POST /connectors/:connector/tasks': {
    summary: 'Internal, signed: configurations of tasks for the leader (KIP-507)',
    request: 'TaskConfigs',
    answers: { 204: null },
  },
  'PUT /connectors/:connector/fence': { summary: 'Internal, signed: fence earlier tasks of a source (KIP-618)', answers: { 204: null } },
  'POST /millrace/progress': {
    summary: 'Internal, signed: live progress of what this worker runs; an addition',
    request: 'ProgressQuery',
    answers: { 200: 'WorkerProgress' },
  },
  'GET /metrics': {
    summary: 'Metrics for Prometheus, as text or, by `Accept`, as OpenMetrics; an addition that `millrace.metrics.listeners` may move elsewhere',
    answers: { 200: 'MetricsText' },
    mediaTypes: ['text/plain', 'application/openmetrics-text'],
  },
  'POST /millrace/webhook/test': { summary: 'Send a notification to the webhook, and tell what came of it; an addition', answers: { 200: 'WebhookTest' } },
  'GET /millrace/rebalances': { summary: 'Why the workers shared out their work anew, lately; an addition', answers: { 200: 'RebalanceTimelineInfo' } },
  'GET /connector-plugins': { summary: 'The plug-ins of this worker', query: { connectorsOnly }, answers: { 200: 'PluginInfos' } },
  'GET /connector-plugins/:plugin/config': { summary: 'The settings of a plug-in', query: { version }, answers: { 200: 'ConfigKeyInfos' } },
  'PUT /connector-plugins/:plugin/config/validate': {
    summary: 'Check a configuration without creating anything',
    request: 'RequestedConfig',
    answers: { 200: 'ConfigInfos' },
  },
  'GET /admin/loggers': { summary: 'Levels of all loggers of this worker', answers: { 200: 'LoggerLevels' } },
  'GET /admin/loggers/:logger': { summary: 'The level of a logger', answers: { 200: 'LoggerLevel' } },
  'PUT /admin/loggers/:logger': {
    summary: 'Set the level of a logger and of those below it (KIP-976 for clusters)',
    query: { scope },
    request: 'LoggerLevelRequest',
    answers: { 200: 'LoggerNames', 204: null },
  },
}
