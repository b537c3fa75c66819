import assert from 'node:assert/strict'
import test from 'node:test'
import { exposition, metricFormatOf } from './exposition.ts'
import type { Metric, MetricFamily } from './metric.ts'
import { MetricLines, unpacked } from './metric-lines.ts'

const noPause = () => Promise.resolve()

function lines(style: 'short' | 'full', ...metrics: Metric[]) {
  const made = new MetricLines(style)
  made.addAll(metrics)
  return made.families()
}

async function text(format: 'text' | 'openmetrics', ...sources: (readonly MetricFamily[])[]): Promise<string> {
  return (await exposition(format, sources, noPause)).toString()
}

const tags = { connector: 'a', task: '0' }
const polled: Metric = { group: 'source-task-metrics', name: 'source-record-poll-total', tags, value: 7 }
const status: Metric = { group: 'connector-task-metrics', name: 'status', tags, value: 'running' }
const taskClass: Metric = { group: 'connector-task-metrics', name: 'task-class', tags, value: 'T' }

test('short names are those of Strimzi, full names those of the exporter and of Confluent', () => {
  const metrics: Metric[] = [
    polled,
    status,
    { group: 'connect-worker-metrics', name: 'connector-count', tags: {}, value: 1 },
    { group: 'connect-metrics', name: 'request-rate', tags: { 'client-id': 'c' }, value: 1 },
    { group: 'consumer-fetch-manager-metrics', name: 'records-lag', tags: { 'client-id': 'c', topic: 't', partition: '1' }, value: 1 },
    { group: 'admin-client-node-metrics', name: 'request-total', tags: { 'client-id': 'c', 'node-id': 'node-1' }, value: 1 },
    { group: 'plugins', name: 'rowsRead', tags: { connector: 'a', 'my tag': 'x' }, value: 1 },
    { group: 'millrace_task', name: 'stalled', tags, value: 0 },
  ]
  const all = (style: 'short' | 'full') => lines(style, ...metrics).map(({ lines }) => lines.trim())
  assert.deepEqual(all('short'), [
    'kafka_connect_source_task_source_record_poll_total{connector="a",task="0"} 7',
    'kafka_connect_connector_task_status{connector="a",task="0",status="running"} 1',
    'kafka_connect_worker_connector_count 1',
    'kafka_connect_request_rate{clientid="c"} 1',
    'kafka_consumer_fetch_manager_records_lag{clientid="c",topic="t",partition="1"} 1',
    'kafka_admin_client_node_request_total{clientid="c",nodeid="node-1"} 1',
    'kafka_connect_plugins_rowsread{connector="a",my_tag="x"} 1',
    'millrace_task_stalled{connector="a",task="0"} 0',
  ])
  assert.deepEqual(all('full'), [
    'kafka_connect_source_task_metrics_source_record_poll_total{connector="a",task="0"} 7',
    'kafka_connect_connector_task_metrics{connector="a",task="0",status="running"} 1',
    'kafka_connect_connect_worker_metrics_connector_count 1',
    'kafka_connect_connect_metrics_request_rate{client_id="c"} 1',
    'kafka_consumer_consumer_fetch_manager_metrics_records_lag{client_id="c",topic="t",partition="1"} 1',
    'kafka_admin_client_admin_client_node_metrics_request_total{client_id="c",node_id="node-1"} 1',
    'kafka_connect_plugins_rowsread{connector="a",my_tag="x"} 1',
    'millrace_task_stalled{connector="a",task="0"} 0',
  ])
})

test('metrics of one name stand together under one heading, whichever thread they come from', async () => {
  const other = { ...polled, tags: { connector: 'b', task: '1' } }
  const answer = await text('text', lines('short', polled, status), lines('short', other))
  assert.equal(
    answer,
    [
      '# HELP kafka_connect_source_task_source_record_poll_total Records that the task has polled, before transformations, since the task was started.',
      '# TYPE kafka_connect_source_task_source_record_poll_total counter',
      'kafka_connect_source_task_source_record_poll_total{connector="a",task="0"} 7',
      'kafka_connect_source_task_source_record_poll_total{connector="b",task="1"} 7',
      '# HELP kafka_connect_connector_task_status State of the task: unassigned, running, paused, failed or restarting.',
      '# TYPE kafka_connect_connector_task_status gauge',
      'kafka_connect_connector_task_status{connector="a",task="0",status="running"} 1',
      '',
    ].join('\n'),
  )
})

test('texts of one group share a name where the style says so', () => {
  assert.deepEqual(
    lines('full', status, taskClass).map(({ name, lines }) => [name, lines.trim().split('\n').length]),
    [['kafka_connect_connector_task_metrics', 2]],
  )
})

test('OpenMetrics names counters without their ending in headings, and ends with a mark', async () => {
  const answer = (await text('openmetrics', lines('short', polled))).split('\n')
  assert.equal(answer[1], '# TYPE kafka_connect_source_task_source_record_poll counter')
  assert.equal(answer[2], 'kafka_connect_source_task_source_record_poll_total{connector="a",task="0"} 7')
  assert.deepEqual(answer.slice(-2), ['# EOF', ''])
})

test('values that are no numbers are written as Prometheus reads them', () => {
  const all = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e21, 0.1].map((value) => lines('short', { ...polled, value })[0]!.lines.trim())
  assert.deepEqual(
    all.map((line) => line.slice(line.lastIndexOf(' ') + 1)),
    ['NaN', '+Inf', '-Inf', '1e+21', '0.1'],
  )
})

test('labels take any text, and never two of one name', () => {
  const odd: Metric = { group: 'plugins', name: 'task', tags: { 'a b': '1', 'a-b': '2', task: 'x"\\\n' }, value: 'text' }
  assert.equal(lines('short', odd)[0]!.lines, 'kafka_connect_plugins_task{a_b="2",task="x\\"\\\\\\n",task_value="text"} 1\n')
})

test('a client gets the format that it likes best', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
  assert.deepEqual([undefined, '*/*', 'text/plain', prometheus, 'application/openmetrics-text;q=0, text/plain'].map(metricFormatOf), [
    'text',
    'text',
    'text',
    'openmetrics',
    'text',
  ])
})

test('a long answer lets others have their turn', async () => {
  let pauses = 0
  const families = Array.from({ length: 400 }, (_, index) => ({ name: `f${index}`, type: 'gauge' as const, help: 'h', lines: 'f 1\n'.repeat(50_000) }))
  await exposition('text', [families], async () => void pauses++)
  assert.ok(pauses > 0)
})

test('families cross threads as one block of bytes, and come out as they were', async () => {
  const made = new MetricLines('short')
  made.addAll([polled, { ...polled, tags: { connector: 'ä→', task: '1' } }, status])
  const direct = await text('text', made.families())
  assert.equal(await text('text', unpacked(structuredClone(made.packed()))), direct)
})
