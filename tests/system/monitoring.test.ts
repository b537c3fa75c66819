import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type EmbeddedWorkers, freePorts, startEmbeddedWorkers, temporaryFolder, waitFor } from '@millrace/testing'

const PLUGINS = new URL('../../packages/runtime/src/testing-plugins/package.json', import.meta.url)
const FILES = new URL('../../connectors/file-stream/package.json', import.meta.url)
const GUIDE = join(import.meta.dirname, '..', '..', 'docs', 'guides', 'monitor.md')

interface Change {
  readonly event: string
  readonly connector: string | null
  readonly task: number | null
  readonly worker_id: string
  readonly cause: string | null
}

let cluster: EmbeddedWorkers
const folder = temporaryFolder({ after })
const changes: Change[] = []
const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  changes.push(JSON.parse(Buffer.concat(chunks).toString()) as Change)
  response.end()
})

before(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  cluster = await startEmbeddedWorkers({
    folder,
    plugins: [PLUGINS, FILES],
    workerProperties: {
      'offset.flush.interval.ms': '100',
      'task.shutdown.graceful.timeout.ms': '500',
      'millrace.webhook.url': `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/s3cret`,
      'millrace.webhook.events': 'failed,recovered,stalled,restarts_given_up,worker_left,worker_joined',
    },
  })
  await cluster.startWorker()
})

after(async () => {
  await cluster.close()
  receiver.closeAllConnections()
  receiver.close()
})

const urlOf = (index = 0): string => cluster.workers[index]!.worker.restUrl

async function metrics(url = urlOf(), headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${url}/metrics`, { headers })
  assert.equal(response.status, 200)
  return await response.text()
}

/** Waits for a line. */
async function untilMetric(pattern: RegExp): Promise<string> {
  let text = ''
  return await waitFor(
    async () => {
      text = await metrics()
      return pattern.exec(text)?.[0] ?? null
    },
    {
      what: String(pattern),
      describe: () =>
        text
          .split('\n')
          .filter((line) => line.includes('plugins') || line.includes('millrace'))
          .join('\n')
          .slice(0, 4_000),
    },
  )
}

async function create(t: { after(action: () => Promise<void>): void }, name: string, config: Record<string, string>): Promise<void> {
  await cluster.client.createConnector({ name, config: { name, ...config } })
  t.after(() => cluster.client.deleteConnector(name))
}

describe('what a worker tells of itself', () => {
  it('has every metric that the guide names', async (t) => {
    const [input, output] = [join(folder, 'in.txt'), join(folder, 'out.txt')]
    writeFileSync(input, 'one\ntwo\n')
    const restarts = { 'millrace.restart.enable': 'true' }
    await create(t, 'guide-source', { ...restarts, 'connector.class': 'FileStreamSource', file: input, topic: 'guide' })
    await create(t, 'guide-sink', { ...restarts, 'connector.class': 'FileStreamSink', file: output, topics: 'guide' })
    await untilMetric(/^millrace_task_records_written_total\{connector="guide-sink",task="0"\} 2$/m)
    const text = await metrics()
    const guide = readFileSync(GUIDE, 'utf8')
    const named = [...new Set([...guide.matchAll(/\b(?:kafka|millrace)_[a-z_]+[a-z]/g)].map(([name]) => name))]
    const elsewhere = ['kafka_connect_connect_worker_metrics_connector_count', 'kafka_connect_plugins_rows_read_total', 'millrace_task']
    const missing = named.filter((name) => !elsewhere.includes(name) && !new RegExp(`^${name}[ {]`, 'm').test(text))
    assert.ok(named.length > 30)
    assert.deepEqual(missing, [])
  })

  it('has one heading for each name, and no metric twice', async () => {
    const lines = (await metrics()).trim().split('\n')
    const headings = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2])
    assert.equal(new Set(headings).size, headings.length)
    const samples = lines.filter((line) => !line.startsWith('#')).map((line) => line.slice(0, line.lastIndexOf(' ')))
    assert.deepEqual(
      samples.filter((sample, index) => samples.indexOf(sample) !== index),
      [],
    )
    let family = ''
    for (const line of lines) {
      if (line.startsWith('# TYPE')) family = line.split(' ')[2]!
      else if (!line.startsWith('#')) assert.equal(/^[a-z_0-9]+/.exec(line)?.[0], family)
    }
  })

  it('has the tasks of all threads', async () => {
    const sum = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0)
    // Those of the test before may still be stopping.
    const isSo = async () => {
      const text = await metrics()
      return sum(text, /^millrace_thread_tasks\{.*\} (\d+)$/gm) === sum(text, /^kafka_connect_worker_task_count (\d+)$/gm)
    }
    await waitFor(isSo, { what: 'all threads to tell of all tasks' })
  })

  it('answers as OpenMetrics to who asks for it', async () => {
    const response = await fetch(`${urlOf()}/metrics`, { headers: { accept: 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3' } })
    assert.match(response.headers.get('content-type') ?? '', /^application\/openmetrics-text; version=1\.0\.0/)
    assert.match(await response.text(), /\n# EOF\n$/)
  })

  it('has the metrics of plug-ins, with whose they are', async (t) => {
    await create(t, 'measured', {
      'connector.class': 'test.MeasuredSourceConnector',
      topic: 'measured',
      transforms: 'count',
      'transforms.count.type': 'test.MeasuredTransformation',
    })
    await untilMetric(/^kafka_connect_plugins_rows_read_total\{table="orders",connector="measured",task="0"\} 1$/m)
    await untilMetric(/^kafka_connect_plugins_tables_known\{connector="measured"\} 3$/m)
    await untilMetric(/^kafka_connect_plugins_phase\{connector="measured",task="0",phase="streaming"\} 1$/m)
    await untilMetric(/^kafka_connect_plugins_passed_total\{connector="measured",task="0",transformation="count"\} 1$/m)
    assert.doesNotMatch(await metrics(), /kafka_connect_plugins_broken/)
  })

  it('goes on answering while a task hangs, and says which state it has', async (t) => {
    await create(t, 'hanging', { 'connector.class': 'test.MisbehavingSourceConnector', topic: 'numbers', behaviour: 'poll hang' })
    await untilMetric(/^millrace_worker_threads_silent 1$/m)
    await untilMetric(/^kafka_connect_connector_task_status\{connector="hanging",task="0",status="running"\} 1$/m)
  })
})

describe('listeners of metrics', () => {
  it('serve metrics alone, and take them away from the REST API', async (t) => {
    const [port = 0] = await freePorts(1)
    const started = await cluster.startWorker({ 'millrace.metrics.listeners': `http://127.0.0.1:${port}` })
    const { worker } = started
    t.after(() => cluster.stopWorker(started))
    assert.equal((await fetch(`${worker.restUrl}/metrics`)).status, 404)
    assert.match(await metrics(`http://127.0.0.1:${port}`), /^kafka_connect_worker_rebalance_connect_protocol\{connect_protocol="SESSIONED"\} 1$/m)
    assert.equal((await fetch(`http://127.0.0.1:${port}/connectors`)).status, 404)
  })
})

describe('the webhook', () => {
  const heard = (event: string, connector: string | null) => changes.filter((change) => change.event === event && change.connector === connector)

  it('tells of a failure and of its end, once in the cluster', async (t) => {
    const file = join(folder, 'away')
    writeFileSync(file, '')
    await create(t, 'failing', { 'connector.class': 'test.MisbehavingSourceConnector', topic: 'numbers', behaviour: 'poll throw' })
    const [change] = await waitFor(() => (heard('failed', 'failing').length > 0 ? heard('failed', 'failing') : null), { what: 'the failure to be told' })
    assert.deepEqual([change?.task, change?.worker_id], [0, cluster.workers[0]!.worker.workerId])
    assert.match(change?.cause ?? '', /on fire/)
    await cluster.client.putConnectorConfig('failing', { name: 'failing', 'connector.class': 'test.MisbehavingSourceConnector', topic: 'numbers' })
    await waitFor(() => heard('recovered', 'failing').length > 0, { what: 'the recovery to be told', describe: () => JSON.stringify(changes) })
    assert.deepEqual([heard('failed', 'failing').length, heard('recovered', 'failing').length], [1, 1])
  })

  it('tells of a stall, although the state is RUNNING, and of restarts that are given up', async (t) => {
    const source = { 'connector.class': 'test.MisbehavingSourceConnector', topic: 'numbers' }
    await create(t, 'stalling', { ...source, behaviour: 'poll never-return', 'millrace.stall.timeout.ms': '300' })
    await create(t, 'hopeless', {
      ...source,
      behaviour: 'poll throw',
      'millrace.restart.enable': 'true',
      'millrace.restart.max': '1',
      'millrace.restart.delay.ms': '10',
    })
    const describe = () => JSON.stringify(changes)
    await waitFor(() => heard('stalled', 'stalling').length > 0, { what: 'the stall to be told', describe })
    await waitFor(() => heard('restarts_given_up', 'hopeless').length > 0, { what: 'the end of restarts to be told', describe })
    assert.equal((await cluster.client.connectorStatus('stalling')).tasks[0]?.state, 'RUNNING')
    assert.match(heard('stalled', 'stalling')[0]?.cause ?? '', /poll/)
    // It failed twice for the same reason, which is told once.
    assert.equal(heard('failed', 'hopeless').length, 1)
    await untilMetric(/^millrace_task_restarts_given_up\{connector="hopeless",task="0"\} 1$/m)
    await untilMetric(/^millrace_task_stalled\{connector="stalling",task="0"\} 1$/m)
  })

  it('tells of workers that come and go, by the leader', async () => {
    const before = changes.length
    const started = await cluster.startWorker()
    const id = started.worker.workerId
    await waitFor(() => changes.some(({ event, worker_id }) => event === 'worker_joined' && worker_id === id), { what: 'the arrival to be told' })
    await cluster.stopWorker(started)
    await waitFor(() => changes.some(({ event, worker_id }) => event === 'worker_left' && worker_id === id), { what: 'the departure to be told' })
    assert.equal(changes.slice(before).filter(({ worker_id }) => worker_id === id).length, 2)
  })

  it('is tested by a request', async () => {
    const response = await fetch(`${urlOf()}/millrace/webhook/test`, { method: 'POST' })
    const { delivered, status, error } = (await response.json()) as Record<string, unknown>
    assert.deepEqual([response.status, delivered, status, error], [200, true, 200, null])
    assert.equal(changes.at(-1)?.event, 'test')
  })

  it('is named in no line of the log', () => {
    const lines = cluster.workers.flatMap(({ log }) => log.map(({ message }) => message))
    assert.deepEqual(
      lines.filter((line) => line.includes('s3cret')),
      [],
    )
  })
})
