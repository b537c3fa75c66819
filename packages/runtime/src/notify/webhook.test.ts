import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Logger } from '@millrace/api'
import { waitFor } from '@millrace/testing'
import type { WebhookConfig } from '../config/webhook-config.ts'
import type { StateChange } from './state-change.ts'
import { Webhook } from './webhook.ts'

interface Received {
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

/** A receiver on loopback. @param answer default: 200. */
async function receiver(t: TestContext, answer: (response: ServerResponse, count: number, body: unknown) => void = (response) => void response.end('ok')) {
  const received: Received[] = []
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
    received.push({ headers: request.headers, body })
    answer(response, received.length, body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { received, url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/s3cret`) }
}

function webhook(t: TestContext, config: Partial<WebhookConfig> & Pick<WebhookConfig, 'url'>) {
  const lines: string[] = []
  const log = (message: string) => void lines.push(message)
  const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info: log, warn: log, error: log }
  const made = new Webhook({
    config: {
      authorization: null,
      format: 'json',
      events: ['failed', 'recovered'],
      timeoutMs: 5_000,
      retriesMax: 3,
      retryBackoffMs: 1,
      repeatIntervalMs: 60_000,
      ...config,
    },
    workerId: 'w:1',
    logger,
  })
  t.after(() => made.stop(0))
  const metrics = () => Object.fromEntries(made.readMetrics().map(({ name, value }) => [name, value]))
  return { made, lines, metrics }
}

function failed(task: number, cause = 'no disk'): StateChange {
  return { event: 'failed', connector: 'c', task, worker_id: 'w:1', cause, hint: null, at: '2026-01-01T00:00:00.000Z' }
}

test('a change is told with a field for each fact, and a text', async (t) => {
  const { received, url } = await receiver(t)
  const { made, metrics } = webhook(t, { url, authorization: 'Bearer token' })
  made.note({ ...failed(3), hint: 'MR-5101' })
  await waitFor(() => metrics()['sent-total'] === 1, { what: 'the notification' })
  assert.deepEqual(received[0]?.body, {
    event: 'failed',
    connector: 'c',
    task: 3,
    worker_id: 'w:1',
    cause: 'no disk',
    hint: 'MR-5101',
    at: '2026-01-01T00:00:00.000Z',
    message: 'Task c-3 has failed on w:1: no disk [MR-5101]',
    repeats: 0,
  })
  assert.equal(received[0]?.headers['content-type'], 'application/json')
  assert.equal(received[0]?.headers.authorization, 'Bearer token')
})

test("Slack's form is a text in which nothing of the cause is markup", async (t) => {
  const { received, url } = await receiver(t)
  const { made, metrics } = webhook(t, { url, format: 'slack' })
  made.note(failed(3, 'a <b> & c'))
  await waitFor(() => metrics()['sent-total'] === 1, { what: 'the notification' })
  assert.deepEqual(received[0]?.body, { text: ':red_circle: Task c-3 has failed on w:1: a &lt;b&gt; &amp; c' })
})

test('what was not asked for, and what was told just before, is not told', async (t) => {
  const { received, url } = await receiver(t)
  const { made, metrics } = webhook(t, { url })
  made.note({ ...failed(0), event: 'stalled' })
  made.note(failed(0))
  made.note(failed(0))
  made.note(failed(1))
  await waitFor(() => metrics()['sent-total'] === 2, { what: 'two notifications' })
  assert.deepEqual([received.length, metrics()['duplicates-total']], [2, 1])
})

test('a receiver that fails for a while gets the notification in the end, and in order', async (t) => {
  const { received, url } = await receiver(t, (response, count) => {
    response.statusCode = count < 3 ? 503 : 200
    response.end()
  })
  const { made, metrics } = webhook(t, { url })
  made.note(failed(0))
  made.note(failed(1))
  await waitFor(() => metrics()['sent-total'] === 2, { what: 'both notifications' })
  assert.deepEqual(
    received.map(({ body }) => (body as StateChange).task),
    [0, 0, 0, 1],
  )
  assert.equal(metrics()['retries-total'], 2)
})

test('a receiver that refuses is not asked again', async (t) => {
  const { received, url } = await receiver(t, (response) => void response.writeHead(404).end())
  const { made, lines, metrics } = webhook(t, { url })
  made.note(failed(0))
  await waitFor(() => metrics()['failed-total'] === 1, { what: 'the end' })
  assert.equal(received.length, 1)
  assert.deepEqual(lines, ['The webhook could not be told "Task c-0 has failed on w:1: no disk" in 1 attempts: It answered with HTTP status 404.'])
})

test('a receiver that never answers is given up after the time-out, and the next notification has its turn', async (t) => {
  const { received, url } = await receiver(t, (response, count) => {
    if (count > 2) response.end()
  })
  const { made, lines, metrics } = webhook(t, { url, timeoutMs: 20, retriesMax: 1 })
  made.note(failed(0))
  made.note(failed(1))
  await waitFor(() => metrics()['sent-total'] === 1, { what: 'the second notification' })
  assert.equal(received.length, 3)
  assert.match(lines[0] ?? '', /127\.0\.0\.1:\d+ did not answer within 20 ms\.$/)
})

test('an answer that trickles in without end counts as none', async (t) => {
  const { url } = await receiver(t, (response) => {
    response.writeHead(200)
    const timer = setInterval(() => response.write('.'), 5)
    response.on('close', () => clearInterval(timer))
  })
  const { made, metrics } = webhook(t, { url, timeoutMs: 50, retriesMax: 0 })
  made.note(failed(0))
  await waitFor(() => metrics()['failed-total'] === 1, { what: 'the end' })
})

test('nobody is held up and nothing is said of the address where there is no receiver', async (t) => {
  const { made, lines, metrics } = webhook(t, { url: new URL('http://user:pass@127.0.0.1:1/hooks/s3cret?token=s3cret'), retriesMax: 1 })
  made.note(failed(0))
  await waitFor(() => metrics()['failed-total'] === 1, { what: 'the end' })
  assert.deepEqual(lines, ['The webhook could not be told "Task c-0 has failed on w:1: no disk" in 2 attempts: 127.0.0.1:1 cannot be reached (ECONNREFUSED).'])
  const { error } = await made.test()
  assert.equal(error, '127.0.0.1:1 cannot be reached (ECONNREFUSED).')
})

test('what waits has a bound: the newest are kept', async (t) => {
  const release = Promise.withResolvers<void>()
  const { received, url } = await receiver(t, (response) => void release.promise.then(() => response.end()))
  const { made, metrics } = webhook(t, { url })
  for (let task = 0; task < 1_500; task++) made.note(failed(task))
  assert.deepEqual([metrics()['waiting'], metrics()['dropped-total']], [1_000, 500])
  release.resolve()
  await waitFor(() => metrics()['waiting'] === 0, { what: 'all to be told' })
  assert.equal((received[received.length - 1]!.body as StateChange).task, 1_499)
})

test('a test tells what came of it, past what waits', async (t) => {
  const { url } = await receiver(t, (response, _, body) => {
    if ((body as StateChange).event === 'test') response.end()
  })
  const { made } = webhook(t, { url })
  made.note(failed(0))
  const { took_ms, ...result } = await made.test()
  assert.deepEqual(result, { delivered: true, status: 200, error: null })
  assert.ok(took_ms >= 0)
})

test('a stop waits a little for the last notifications, and then no longer', async (t) => {
  const { received, url } = await receiver(t, (response) => void setTimeout(() => response.end(), 30))
  const { made, metrics } = webhook(t, { url })
  made.note(failed(0))
  await made.stop(5_000)
  assert.deepEqual([received.length, metrics()['sent-total']], [1, 1])

  const silent = await receiver(t, () => {})
  const other = webhook(t, { url: silent.url })
  other.made.note(failed(0))
  await other.made.stop(10)
  assert.equal(other.metrics()['sent-total'], 0)
  assert.deepEqual(other.lines, [])
})
