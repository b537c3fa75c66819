import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConnectClient } from '@millrace/rest-api'
import { freePorts, waitFor } from '@millrace/testing'
import { startJavaConnect } from '../servers/java-connect.ts'
import { runJavaProgram } from '../tools/java/java-program.ts'

/*
 * A worker of a cluster that runs a source and a sink with a transformation and a predicate: which metrics it has. Those of Apache Kafka Connect 4.3.1, as its MBeans
 * show them, are recorded in metrics.txt.
 */

/** An attribute of an MBean. */
export interface JmxAttribute {
  /** As in `kafka.connect:type=connector-metrics,connector="s"`. */
  readonly domain: string
  /** In the order of the MBean's name, quotes removed; the first one is `type`. What is another value each time is `*`. */
  readonly keys: readonly (readonly [name: string, value: string])[]
  readonly attribute: string
  readonly kind: 'number' | 'text'
}

export const recordingFile = new URL('metrics.txt', import.meta.url)

/** A line for each: name of the MBean, attribute, kind. */
export function recordedLines(): readonly string[] {
  return readFileSync(recordingFile, 'utf8').trim().split('\n')
}

/** Creates the connectors and waits until each has copied what there is. */
export async function startConnectors(url: string, folder: string): Promise<void> {
  const client = new ConnectClient(url, { requestTimeoutMs: 30_000 })
  const [input, output] = [join(folder, 'in.txt'), join(folder, 'out.txt')]
  writeFileSync(input, Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join(''))
  await client.putConnectorConfig('measured-source', { 'connector.class': 'FileStreamSource', file: input, topic: 'measured' })
  await client.putConnectorConfig('measured-sink', {
    'connector.class': 'FileStreamSink',
    file: output,
    topics: 'measured',
    transforms: 'drop',
    'transforms.drop.type': 'org.apache.kafka.connect.transforms.Filter',
    'transforms.drop.predicate': 'never',
    predicates: 'never',
    'predicates.never.type': 'org.apache.kafka.connect.transforms.predicates.TopicNameMatches',
    'predicates.never.pattern': 'nothing',
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': 'measured-dead',
    'errors.deadletterqueue.topic.replication.factor': '1',
  })
  await waitFor(() => readTextOrNothing(output).split('\n').length > 100, { what: 'the copy of the file', deadlineMs: 60_000 })
}

function readTextOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** What the Java worker's MBeans have. What names a port, a client of no task, or the time is left out, as it is another one each time. */
export async function javaMetrics(folder: string, bootstrapServers: string): Promise<readonly string[]> {
  const [port = 0] = await freePorts(1)
  const jmx = { port, authenticate: false, ssl: false, host: '127.0.0.1' }
  const java = await startJavaConnect({
    mode: 'distributed',
    folder,
    bootstrapServers,
    properties: { 'offset.flush.interval.ms': '500' },
    heapOptions: ['-Xmx512M', ...Object.entries(jmx).map(([name, value]) => `-Dcom.sun.management.jmxremote.${name}=${value}`)],
  })
  try {
    await startConnectors(java.url, folder)
    const printed = await runJavaProgram('JmxAttributes', [String(port)])
    return [...new Set(comparable(printed.trim().split('\n').map(attributeOf)).map(lineOf))].sort()
  } finally {
    await java.stop()
  }
}

export function attributeOf(line: string): JmxAttribute {
  const [name = '', attribute = '', kind = ''] = line.split('\t')
  const at = name.indexOf(':')
  const keys = [...name.slice(at + 1).matchAll(/([^=,]+)=("(?:[^"\\]|\\.)*"|[^,]*)/g)].map(
    ([, key = '', value = '']) => [key, value.replaceAll('"', '')] as const,
  )
  return { domain: name.slice(0, at), keys, attribute, kind: kind === 'number' ? 'number' : 'text' }
}

function lineOf({ domain, keys, attribute, kind }: JmxAttribute): string {
  return [`${domain}:${keys.map((key) => key.join('=')).join(',')}`, attribute, kind].join('\t')
}

function comparable(attributes: readonly JmxAttribute[]): readonly JmxAttribute[] {
  const own = attributes.filter(({ domain, keys }) => {
    const type = keys[0]?.[1]
    const clientId = keys.find(([name]) => name === 'client-id')?.[1]
    if (type === 'kafka-metrics-count' || type === 'app-info') return false
    return domain === 'kafka.connect' || (clientId?.startsWith('connector-') ?? false)
  })
  return own.map((each) => ({ ...each, keys: each.keys.map(([name, value]) => [name, isOfThisRun(each, name) ? '*' : value] as const) }))
}

/** Client ids of the worker itself name its port, and nodes are numbered by the cluster. */
function isOfThisRun({ domain }: JmxAttribute, name: string): boolean {
  return (domain === 'kafka.connect' && name === 'client-id') || name === 'node-id'
}
