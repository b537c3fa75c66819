import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { FaultProxy } from './fault-proxy.ts'
import { waitFor } from './wait-for.ts'

/** A server that sends back what it gets, behind a proxy; and the sockets that it has. */
async function echo(t: TestContext): Promise<{ readonly proxy: FaultProxy; readonly accepted: Set<Socket> }> {
  const accepted = new Set<Socket>()
  const server = createServer((socket) => {
    accepted.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => accepted.delete(socket))
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await FaultProxy.listen()
  proxy.target = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  t.after(async () => {
    await proxy.close()
    for (const socket of accepted) socket.destroy()
    server.close()
  })
  return { proxy, accepted }
}

class Client {
  readonly socket: Socket
  received = ''
  /** Undefined while the connection is open; null where it ended without an error. */
  ended: string | null | undefined

  constructor(t: TestContext, { port }: FaultProxy) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', (chunk) => (this.received += chunk.toString()))
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.ended = error.code ?? error.message))
    this.socket.on('close', () => (this.ended ??= null))
    t.after(() => this.socket.destroy())
  }

  async say(text: string): Promise<void> {
    this.socket.write(text)
    await this.hears(text)
  }

  hears(text: string): Promise<unknown> {
    return waitFor(() => this.received.endsWith(text), { what: `"${text}"`, intervalMs: 1, describe: () => this.received.slice(-100) })
  }

  hasEnded(): Promise<unknown> {
    return waitFor(() => this.ended !== undefined, { what: 'the end of the connection', intervalMs: 1 })
  }
}

/** Time for what must not happen: a few turns of the event loop. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1))
}

test('a good network passes everything on, the end included', async (t) => {
  const { proxy } = await echo(t)
  const client = new Client(t, proxy)
  await client.say('hello')
  await client.say('x'.repeat(300_000))
  client.socket.end()
  await client.hasEnded()
  assert.equal(client.ended, null)
  await waitFor(() => proxy.connectionCount === 0, { what: 'no connection', intervalMs: 1 })
})

test('in a silent network nothing comes through and nothing ends, and afterwards everything is there', async (t) => {
  const { proxy, accepted } = await echo(t)
  const [old, fresh] = [new Client(t, proxy), new Client(t, proxy)]
  await old.say('before')
  proxy.apply({ kind: 'silent', directions: 'both' })
  old.socket.write('lost?')
  fresh.socket.write('new')
  const late = new Client(t, proxy)
  await once(late.socket, 'connect')
  await quiet()
  assert.equal(old.received, 'before')
  assert.equal(accepted.size, 2)
  assert.deepEqual([old.ended, fresh.ended, late.ended], [undefined, undefined, undefined])
  proxy.restore()
  await Promise.all([old.hears('lost?'), fresh.hears('new'), late.say('late')])
})

test('silence in one direction lets the other through', async (t) => {
  const { proxy, accepted } = await echo(t)
  const client = new Client(t, proxy)
  await client.say('before')
  const [server] = accepted
  let heard = ''
  server!.on('data', (chunk) => (heard += chunk.toString()))
  proxy.apply({ kind: 'silent', directions: 'to-client' })
  client.socket.write('request')
  await waitFor(() => heard === 'request', { what: 'the request at the server', intervalMs: 1 })
  await quiet()
  assert.equal(client.received, 'before')
})

test('a slow network takes its time in both directions, and a narrow one for each byte', async (t) => {
  const { proxy } = await echo(t)
  const client = new Client(t, proxy)
  await client.say('before')
  proxy.apply({ kind: 'slow', delayMs: 30 })
  let from = performance.now()
  await client.say('slow')
  assert.ok(performance.now() - from >= 55)
  proxy.apply({ kind: 'narrow', bytesPerSecond: 1_000 })
  from = performance.now()
  await client.say('n'.repeat(40))
  assert.ok(performance.now() - from >= 75)
})

test('a reset ends what there is, on both sides; new connections are as before', async (t) => {
  const { proxy, accepted } = await echo(t)
  const client = new Client(t, proxy)
  await client.say('before')
  proxy.reset()
  await client.hasEnded()
  assert.equal(client.ended, 'ECONNRESET')
  await waitFor(() => accepted.size === 0, { what: 'the server to notice', intervalMs: 1 })
  await new Client(t, proxy).say('again')
})

test('an abandoned client is not told, and whatever it sends is lost', async (t) => {
  const { proxy, accepted } = await echo(t)
  const client = new Client(t, proxy)
  await client.say('before')
  proxy.abandon()
  await waitFor(() => accepted.size === 0, { what: 'the server to notice', intervalMs: 1 })
  client.socket.write('into the void')
  await quiet()
  assert.deepEqual([client.received, client.ended], ['before', undefined])
  await new Client(t, proxy).say('again')
  client.socket.end()
  await client.hasEnded()
})

test('a network that refuses resets new connections and keeps the others', async (t) => {
  const { proxy } = await echo(t)
  const client = new Client(t, proxy)
  await client.say('before')
  proxy.apply({ kind: 'refusing' })
  const refused = new Client(t, proxy)
  await refused.hasEnded()
  assert.equal(refused.ended, 'ECONNRESET')
  await client.say('still there')
})

test('it can be closed in the middle of everything', async (t) => {
  const { proxy } = await echo(t)
  const client = new Client(t, proxy)
  await client.say('before')
  proxy.apply({ kind: 'silent', directions: 'both' })
  client.socket.write('lost')
  await proxy.close()
  await client.hasEnded()
  assert.equal(proxy.connectionCount, 0)
})
