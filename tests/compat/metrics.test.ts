import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { clientMetricNames } from '@millrace/kafka'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { startMillraceBroker } from '../system/broker-under-test.ts'
import { startWorker } from '../system/millrace-process.ts'
import { attributeOf, type JmxAttribute, recordedLines, startConnectors } from './metrics-suite.ts'

/** What the MBeans of Apache Kafka Connect 4.3.1 have. `metrics.servers.test.ts` makes sure that they still do. */
const recorded = recordedLines().map(attributeOf)

/** Metrics of Kafka clients that are not there, each with its reason in docs/reference/client-metrics.md. */
const missing = new Set(clientMetricNames.filter(({ isProvided }) => !isProvided).map(({ name }) => name))

/** Java's producers ask a broker as soon as they are made, ours when they have something to send: no dead letters are sent here. */
function isOfIdleProducer({ keys }: JmxAttribute): boolean {
  return keys.some(([, value]) => value.startsWith('connector-dlq-producer-')) && keys.some(([name]) => name === 'node-id')
}

/** What Prometheus sees of an attribute: name and labels, `name{label="value",…}`. */
type Exposed = string

/** The names that the JMX exporter makes without rules, with its output in small letters. Text it leaves out. */
function exporterName({ domain, keys: [type, ...labels], attribute, kind }: JmxAttribute): Exposed[] {
  return kind === 'text' ? [] : [exposed([domain, type?.[1], attribute].join('_'), labels)]
}

/** By the rules of Strimzi: attributes by the name of the MBean, to a name, and the labels that it takes over. */
const strimziRules: readonly (readonly [mbean: RegExp, attribute: RegExp, name: (match: readonly string[], attribute: string) => string])[] = [
  [
    /^kafka\.connect<type=connector-metrics, connector=/,
    /^(connector-class|connector-type|connector-version|status)$/,
    (_, attribute) => `kafka_connect_connector_${attribute}`,
  ],
  [/^kafka\.connect<type=connector-task-metrics, connector=.+, task=/, /^status$/, () => 'kafka_connect_connector_task_status'],
  [
    /^kafka\.connect<type=(.+)-metrics, connector=.+, task=\d+>/,
    /-(total|count|ms|ratio|seq-no|rate|max|avg|failures|requests|timestamp|logged|errors|retries|skipped)$/,
    ([, type], attribute) => `kafka_connect_${type}_${attribute}`,
  ],
  [/^kafka\.connect<type=connect-worker-metrics[,>]/, /./, (_, attribute) => `kafka_connect_worker_${attribute}`],
  [/^kafka\.connect<type=connect-worker-rebalance-metrics>/, /./, (_, attribute) => `kafka_connect_worker_rebalance_${attribute}`],
  [
    /^kafka\.[a-z.]+<type=(.+)-metrics, client-id=/,
    /-(total|avg|rate|bytes|count|ratio|age|flight|threads|connectors|tasks|ago|replica|lag|lead)$/,
    ([, type], attribute) => `kafka_${type}_${attribute}`,
  ],
]

function strimziName({ domain, keys, attribute, kind }: JmxAttribute): Exposed[] {
  const mbean = `${domain}<${keys.map((key) => key.join('=')).join(', ')}>`
  for (const [pattern, attributes, name] of strimziRules) {
    const match = pattern.exec(mbean)
    if (match === null || !attributes.test(attribute)) continue
    const labels = keys.slice(1).map(([label, value]) => [label === 'client-id' || label === 'node-id' ? label.replace('-', '') : label, value] as const)
    return [exposed(name(match, attribute), kind === 'text' ? [...labels, [attribute, '*']] : labels)]
  }
  return []
}

function exposed(name: string, labels: readonly (readonly [string, string])[]): Exposed {
  const sanitized = (text: string) => text.replace(/[^a-zA-Z0-9]+/g, '_').toLowerCase()
  return `${sanitized(name)}{${labels.map(([label, value]) => `${sanitized(label)}="${value}"`).join(',')}}`
}

/** Values that differ from run to run are `*`, as in the recording. */
function comparable(line: string): Exposed {
  const name = line.slice(0, line.lastIndexOf(' '))
  return (name.includes('{') ? name : `${name}{}`)
    .replace(/^(kafka_connect_.*client_?id=)"[^"]*"/, '$1"*"')
    .replace(/(node_?id=)"[^"]*"/, '$1"*"')
    .replace(/((connector_class|connector_type|connector_version|status|leader_name|connect_protocol)=)"[^"]*"/, '$1"*"')
}

for (const { names, nameOf } of [
  { names: 'full', nameOf: exporterName },
  { names: 'short', nameOf: strimziName },
]) {
  test(`with the names "${names}", all metrics of Kafka Connect 4.3.1 are there`, { timeout: 120_000 }, async (t) => {
    const folder = temporaryFolder(t)
    const broker = await startMillraceBroker({ folder: join(folder, 'broker') })
    t.after(() => broker.stop())
    const worker = await startWorker({
      mode: 'distributed',
      folder: join(folder, 'worker'),
      bootstrapServers: broker.bootstrapServers,
      properties: { 'offset.flush.interval.ms': '500', 'millrace.metrics.names': names },
    })
    t.after(() => worker.killAtOnce())
    await startConnectors(worker.url, folder)
    const expected = [...new Set(recorded.filter((each) => !missing.has(each.attribute) && !isOfIdleProducer(each)).flatMap(nameOf))].sort()
    assert.ok(expected.length > 250)
    const read = async () => {
      const text = await (await fetch(`${worker.url}/metrics`)).text()
      return new Set(
        text
          .split('\n')
          .filter((line) => line !== '' && !line.startsWith('#'))
          .map(comparable),
      )
    }
    // Clients have some of theirs only after a first commit.
    let found = await read()
    const absent = () => expected.filter((name) => !found.has(name))
    const isComplete = async () => {
      found = await read()
      return absent().length === 0
    }
    await waitFor(isComplete, { what: 'all metrics', describe: () => `There are no ${absent().join('\n')}` })
    const text = await (await fetch(`${worker.url}/metrics`)).text()
    for (const total of ['source_record_poll_total', 'source_record_write_total', 'sink_record_read_total', 'sink_record_send_total'])
      assert.match(text, new RegExp(`^kafka_connect_.*_${total}\\{.*\\} 100$`, 'm'))
  })
}
