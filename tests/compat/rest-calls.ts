import { waitFor } from '@millrace/testing'
import { type Answer, comparable, type Exchange, recordedExchanges, replay } from './recorded-exchanges.ts'

/** A request of the differential suite. */
export type RestCall = Exchange['request']

const SOURCE = { 'connector.class': 'FileStreamSource', file: 'data//in.txt', topic: 'd1', 'tasks.max': '1' }
const SINK = { 'connector.class': 'FileStreamSink', file: 'data//d-out.txt', topics: 'd1' }
const JSON_TYPE = 'application/json'

/**
 * What both workers of the differential suite are asked, in this order: first what was once recorded by hand, on files below the worker's folder, then what
 * that left out. Each call finds what the calls before it have left behind.
 */
export const restCalls: readonly RestCall[] = [
  ...recordedExchanges('golden-rest.json').map(({ request }) => JSON.parse(JSON.stringify(request).replaceAll('/data/', 'data//')) as RestCall),
  ...plugins(),
  ...creation(),
  ...life(),
  ...restarts(),
  ...offsets(),
  ...loggers(),
  ...amongWorkers(),
  ...removal(),
]

/** How the tables name a call: its place and request. */
export function callName({ method, path }: RestCall, index: number): string {
  return `${index} ${method} ${path}`
}

function plugins(): RestCall[] {
  return [
    get('/connector-plugins?connectorsOnly=TRUE'),
    get('/connector-plugins?connectorsOnly=banana'),
    get('/connector-plugins/FileStreamSink/config'),
    get('/connector-plugins/org.apache.kafka.connect.file.FileStreamSourceConnector/config'),
    get('/connector-plugins/StringConverter/config'),
    get('/connector-plugins/org.apache.kafka.connect.json.JsonConverter/config'),
    get('/connector-plugins/SimpleHeaderConverter/config'),
    validate('FileStreamSource', { ...SOURCE, name: 'd-source' }),
    validate('FileStreamSource', { ...SOURCE, name: 'd-source', 'tasks.max': 'many' }),
    validate('FileStreamSource', { ...SOURCE, name: '', 'batch.size': '0' }),
    validate('FileStreamSource', { ...SOURCE, name: 'x', 'key.converter': 'NoSuchConverter' }),
    validate('FileStreamSource', { ...SOURCE, name: 'x', 'value.converter': 'FileStreamSource' }),
    validate('FileStreamSource', { ...SOURCE, name: 'x', 'producer.override.linger.ms': '5' }),
    validate('FileStreamSink', { ...SINK, name: 'd-sink' }),
    validate('FileStreamSink', { ...SINK, name: 'd-sink', topics: '' }),
    validate('FileStreamSink', { ...SINK, name: 'd-sink', 'consumer.override.max.poll.records': '10' }),
    validate('FileStreamSink', { ...SINK, name: 'd-sink', 'errors.deadletterqueue.topic.name': 'd1' }),
    validate('FileStreamSink', { ...SINK, name: 'cluster' }),
    validate('Nope', { 'connector.class': 'Nope' }),
    { method: 'PUT', path: '/connector-plugins/FileStreamSource/config/validate', body: '[]', contentType: JSON_TYPE },
    { method: 'PUT', path: '/connector-plugins/FileStreamSource/config/validate', body: '{"a":', contentType: JSON_TYPE },
    { method: 'PUT', path: '/connector-plugins/FileStreamSource/config/validate', body: '{"a":"b"}', contentType: 'text/plain' },
    { method: 'DELETE', path: '/connector-plugins' },
  ]
}

function creation(): RestCall[] {
  return [
    post('/connectors', { name: 'd-source', config: SOURCE }),
    get('/connectors/d-source'),
    get('/connectors/d-source/status'),
    get('/connectors/d-source/tasks'),
    get('/connectors/d-source/tasks/0/status'),
    post('/connectors', { name: '  d-trimmed ', config: { ...SOURCE, topic: 'd2' } }),
    get('/connectors/d-trimmed'),
    post('/connectors', { name: 'd-paused', config: { ...SOURCE, topic: 'd2' }, initial_state: 'PAUSED' }),
    get('/connectors/d-paused/status'),
    post('/connectors', { name: 'd-stopped', config: { ...SOURCE, topic: 'd2' }, initial_state: 'stopped' }),
    get('/connectors/d-stopped/status'),
    get('/connectors/d-stopped/tasks'),
    post('/connectors', { name: 'd-running', config: { ...SOURCE, topic: 'd2' }, initial_state: 'RUNNING' }),
    get('/connectors/d-running/status'),
    post('/connectors', { name: 'd äö ü', config: { ...SOURCE, topic: 'd2' } }),
    get('/connectors/d%20%C3%A4%C3%B6%20%C3%BC'),
    post('/connectors', { name: 'd-x', config: { ...SOURCE, 'errors.retry.timeout': 'soon' } }),
    post('/connectors', { name: 'd-x', config: { ...SOURCE, 'connector.class': 'FileStream' } }),
    post('/connectors', { name: 'd-x', config: { ...SOURCE, topic: null } }),
    post('/connectors', { name: 'd-x', config: { ...SOURCE, nested: { a: 'b' } } }),
    post('/connectors', { name: 'd-x', config: 'none' }),
    post('/connectors', { name: 7, config: SOURCE }),
    { method: 'POST', path: '/connectors', body: 'null', contentType: JSON_TYPE },
    { method: 'POST', path: '/connectors', body: '[1]', contentType: JSON_TYPE },
    { method: 'POST', path: '/connectors', body: '{"name":"d-x"} {}', contentType: JSON_TYPE },
    { method: 'DELETE', path: '/connectors' },
  ]
}

function life(): RestCall[] {
  return [
    put('/connectors/d-source/config', { ...SOURCE, 'batch.size': '20' }),
    get('/connectors/d-source/config'),
    put('/connectors/d-source/config', { ...SOURCE, name: 'other' }),
    put('/connectors/d-source/config', { 'connector.class': 'FileStreamSource' }),
    put('/connectors/d-source/config', null),
    put('/connectors/d-put/config', { ...SOURCE, topic: 'd2' }),
    patch('/connectors/d-put/config', { topic: 'd3', 'batch.size': '7' }),
    patch('/connectors/d-put/config', { 'batch.size': null }),
    patch('/connectors/d-put/config', { topic: null }),
    patch('/connectors/d-put/config', {}),
    patch('/connectors/d-put/config', null),
    get('/connectors/d-put/config'),
    { method: 'PUT', path: '/connectors/d-source/pause' },
    { method: 'PUT', path: '/connectors/d-source/pause' },
    get('/connectors/d-source/status'),
    { method: 'PUT', path: '/connectors/d-source/stop' },
    get('/connectors/d-source/status'),
    { method: 'PUT', path: '/connectors/d-source/pause' },
    get('/connectors/d-source/status'),
    { method: 'PUT', path: '/connectors/d-source/resume' },
    get('/connectors/d-source/status'),
    { method: 'PUT', path: '/connectors/d-paused/resume' },
    get('/connectors/d-paused/status'),
    { method: 'PUT', path: '/connectors/d-stopped/resume' },
    get('/connectors/d-stopped/status'),
    { method: 'PUT', path: '/connectors/d-source/stop' },
    { method: 'PUT', path: '/connectors/d-source/stop' },
    { method: 'GET', path: '/connectors/d-source/pause' },
  ]
}

function restarts(): RestCall[] {
  return [
    { method: 'POST', path: '/connectors/d-put/restart?includeTasks=true' },
    { method: 'POST', path: '/connectors/d-put/restart?onlyFailed=true' },
    { method: 'POST', path: '/connectors/d-put/restart?includeTasks=true&onlyFailed=true' },
    { method: 'POST', path: '/connectors/d-source/restart' },
    { method: 'POST', path: '/connectors/d-source/restart?includeTasks=true' },
    { method: 'POST', path: '/connectors/d-source/tasks/0/restart' },
    { method: 'POST', path: '/connectors/d-put/tasks/-1/restart' },
    { method: 'POST', path: '/connectors/d-put/tasks/zero/restart' },
    get('/connectors/d-put/tasks/99999999999/status'),
  ]
}

function offsets(): RestCall[] {
  const source = (partition: unknown, offset: unknown) => ({ offsets: [{ partition, offset }] })
  const filename = { filename: 'data//in.txt' }
  return [
    get('/connectors/d-source/offsets'),
    patch('/connectors/d-source/offsets', source(filename, { position: 2 })),
    get('/connectors/d-source/offsets'),
    patch('/connectors/d-source/offsets', source(filename, { position: -1 })),
    patch('/connectors/d-source/offsets', source(filename, { position: 'far' })),
    patch('/connectors/d-source/offsets', source({ file: 'x' }, { position: 1 })),
    patch('/connectors/d-source/offsets', source(filename, null)),
    get('/connectors/d-source/offsets'),
    patch('/connectors/d-source/offsets', { offsets: [] }),
    patch('/connectors/d-source/offsets', { offset: [] }),
    patch('/connectors/d-source/offsets', null),
    { method: 'DELETE', path: '/connectors/d-source/offsets' },
    { method: 'DELETE', path: '/connectors/d-put/offsets' },
  ]
}

function loggers(): RestCall[] {
  return [
    put('/admin/loggers/root', { level: 'INFO' }),
    put('/admin/loggers/org.apache.kafka.connect.runtime.WorkerSinkTask', { level: 'debug' }),
    get('/admin/loggers/org.apache.kafka.connect.runtime.Worker?x=y'),
    put('/admin/loggers/org.apache.kafka.connect.runtime.WorkerSinkTask?scope=worker', { level: 'INFO' }),
    put('/admin/loggers/org.apache.kafka.connect.runtime.WorkerSinkTask?scope=planet', { level: 'INFO' }),
    put('/admin/loggers/org.apache.kafka.connect.runtime.WorkerSinkTask?scope=cluster', { level: 'loud' }),
    { method: 'DELETE', path: '/admin/loggers/root' },
  ]
}

function amongWorkers(): RestCall[] {
  return [
    { method: 'POST', path: '/connectors?forward=false', body: { name: 'd-forwarded', config: { ...SOURCE, topic: 'd2' } } },
    { method: 'PUT', path: '/connectors/d-forwarded/stop?forward=true' },
    { method: 'DELETE', path: '/connectors/d-forwarded?forward=false' },
    { method: 'PUT', path: '/connectors/nope/fence' },
    { method: 'POST', path: '/connectors/d-put/tasks', body: [{ a: 'b' }] },
    { method: 'POST', path: '/connectors/d-put/tasks', body: '{"a"', contentType: JSON_TYPE },
  ]
}

function removal(): RestCall[] {
  return [
    { method: 'DELETE', path: '/connectors/d-trimmed' },
    get('/connectors/d-trimmed'),
    get('/connectors/d-trimmed/status'),
    get('/connectors/d-trimmed/topics'),
    { method: 'DELETE', path: '/connectors/d-trimmed' },
    { method: 'DELETE', path: '/connectors/d-stopped' },
    { method: 'DELETE', path: '/connectors/d%20%C3%A4%C3%B6%20%C3%BC' },
    post('/connectors', { name: 'd-trimmed', config: { ...SOURCE, topic: 'd2' } }),
    get('/connectors/d-trimmed/status'),
  ]
}

function get(path: string): RestCall {
  return { method: 'GET', path }
}

function post(path: string, body: unknown): RestCall {
  return { method: 'POST', path, body }
}

function put(path: string, body: unknown): RestCall {
  return { method: 'PUT', path, body }
}

function patch(path: string, body: unknown): RestCall {
  return { method: 'PATCH', path, body }
}

function validate(plugin: string, config: Readonly<Record<string, string>>): RestCall {
  return put(`/connector-plugins/${plugin}/config/validate`, config)
}

/** A worker that is asked one call after another. */
export class AskedWorker {
  readonly #url: string
  /** Whether something was changed since the last quiet. */
  #isMoving = true

  constructor(url: string) {
    this.#url = url
  }

  /** Resolves when the worker has its first share of the work. */
  async ready(): Promise<void> {
    await waitFor(async () => (await fetch(`${this.#url}/health`)).status === 200, { what: 'the worker to be healthy', deadlineMs: 60_000 })
  }

  /** The answer without what no two workers have in common. Whatever earlier calls began has ended before. */
  async ask(call: RestCall): Promise<Answer> {
    if (this.#isMoving) await untilQuiet(this.#url)
    const answer = await replay({ request: call, status: 0, headers: {}, body: null }, this.#url)
    this.#isMoving = call.method !== 'GET' && answer.status < 400
    return withoutPlaces(comparable(answer, new URL(this.#url).host))
  }
}

/** Where plug-ins lie is another place on each machine. */
function withoutPlaces(answer: Answer): Answer {
  return JSON.parse(JSON.stringify(answer).replace(/location='[^']*'/g, "location='<location>'")) as Answer
}

interface ExpandedConnector {
  readonly status?: { readonly connector: { readonly state: string }; readonly tasks: readonly { readonly state: string }[] }
  readonly info?: { readonly tasks: readonly unknown[]; readonly type: string; readonly config: Readonly<Record<string, string>> }
}

/** How long nothing may have changed. Milliseconds. */
const QUIET_MS = 400

/** Waits until all connectors and tasks are where they shall be, have read what there is, and stay there. */
async function untilQuiet(url: string): Promise<void> {
  let last = ''
  let since = 0
  await waitFor(
    async () => {
      const names = await jsonOf<string[]>(`${url}/connectors`)
      const expanded = await jsonOf<Record<string, ExpandedConnector>>(`${url}/connectors?expand=status&expand=info`)
      const offsets = await Promise.all(names.map((name) => jsonOf<{ offsets?: unknown[] }>(`${url}/connectors/${encodeURIComponent(name)}/offsets`)))
      const seen = JSON.stringify([comparable({ status: 200, headers: {}, body: expanded }, url), offsets])
      const isSettled = names.every((name, index) => isQuiet(expanded[name] ?? {}, offsets[index]?.offsets ?? []))
      if (seen !== last || !isSettled) since = performance.now()
      last = seen
      return isSettled && performance.now() - since >= QUIET_MS
    },
    { what: 'all connectors and tasks to be settled', deadlineMs: 30_000, intervalMs: 60, describe: () => last.slice(0, 4000) },
  )
}

/** Every connector of the calls makes one task as soon as it runs, and those that have something to read do so. */
function isQuiet({ status, info }: ExpandedConnector, offsets: readonly unknown[]): boolean {
  if (status === undefined || info === undefined || status.tasks.length !== info.tasks.length) return false
  const states = [status.connector, ...status.tasks].map(({ state }) => state)
  if (states.some((state) => state === 'UNASSIGNED' || state === 'RESTARTING')) return false
  // A task of the original notices a pause only when its `poll` returns, up to a second after its connector.
  if (status.connector.state === 'PAUSED') return status.tasks.every(({ state }) => state === 'PAUSED' || state === 'FAILED')
  if (status.connector.state !== 'RUNNING') return true
  if (status.tasks.length !== 1 || status.tasks[0]?.state === 'PAUSED') return false
  const reads = info.type === 'sink' || info.config.file === 'data//in.txt'
  return !reads || status.tasks[0]?.state === 'FAILED' || offsets.length > 0
}

async function jsonOf<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T
}
