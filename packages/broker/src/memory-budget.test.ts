import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { encodeRequest } from '@millrace/kafka-protocol'
import { Random } from '@millrace/testing'
import type { Broker } from './broker.ts'
import { BufferPool } from './buffer-pool.ts'
import { recordBatch } from './fixtures/record-batches.ts'
import { connected, createTopic, startedBroker } from './fixtures/started-broker.ts'
import { MemoryBudget } from './memory-budget.ts'
import { RequestFrames } from './request-frames.ts'

const MIB = 1024 * 1024

test('serves those who wait in their order, and who wants more than there is alone', () => {
  const budget = new MemoryBudget(100)
  const served: string[] = []
  const want = (name: string, bytes: number) =>
    budget.whenFree(bytes, () => {
      served.push(name)
      budget.take(bytes)
    })
  want('a', 60)
  want('b', 60)
  want('c', 10)
  const leave = want('d', 500)
  want('e', 10)
  assert.deepEqual(served, ['a'], 'c would fit, but b was first')
  budget.give(60)
  assert.deepEqual(served, ['a', 'b', 'c'])
  budget.give(60)
  assert.equal(budget.hasWaiters, true)
  budget.give(10)
  assert.deepEqual(served, ['a', 'b', 'c', 'd'])
  leave()
  budget.give(500)
  assert.deepEqual([served.at(-1), budget.usedBytes, budget.freeBytes, budget.hasWaiters], ['e', 10, 90, false])
})

test('whatever comes of requests, nothing of the budget is lost', (t) => {
  const random = new Random()
  t.diagnostic(`MILLRACE_SEED=${random.seed}`)
  const budget = new MemoryBudget(10 * MIB)
  const pool = new BufferPool()
  for (let round = 0; round < 300; round++) {
    const connections = Array.from({ length: 5 }, () => new RequestFrames(pool, budget, () => {}))
    const unanswered: [RequestFrames, Buffer][] = []
    for (let step = 0; step < 30; step++) {
      const frames = connections[random.integer(0, 4)]!
      if (frames.isWaitingForMemory) continue
      const bytes = random.integer(1, 5 * MIB)
      let buffer = frames.begin(Math.min(bytes, MIB), bytes)
      if (bytes > MIB && random.integer(0, 1)) buffer = frames.begin(bytes, bytes)
      if (frames.isWaitingForMemory || random.integer(0, 3) === 0) {
        if (random.integer(0, 1)) frames.abandon()
        else frames.completed(buffer)
      } else frames.completed(buffer)
      unanswered.push([frames, buffer])
      if (random.integer(0, 1)) for (const [owner, frame] of unanswered.splice(0)) owner.release(frame)
    }
    for (const frames of connections) frames.abandon()
    for (const [owner, frame] of unanswered) owner.release(frame)
    assert.equal(budget.usedBytes, 0, `round ${round}`)
    assert.equal(budget.hasWaiters, false)
  }
})

test('large requests wait for each other, and small ones get through', async (t) => {
  const { broker, client } = await startedBroker(t, { properties: { 'queued.max.request.bytes': String(2 * MIB) } })
  await createTopic(client, 'orders')
  const announce = async (bytes: number): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port: broker.port })
    t.after(() => socket.destroy())
    socket.on('error', () => {})
    await once(socket, 'connect')
    const start = Buffer.alloc(100)
    start.writeInt32BE(bytes)
    socket.write(start)
    return socket
  }
  // Two that never come on hold all there is.
  const stuck = [await announce(MIB), await announce(MIB)]
  for (let i = 0; i < 20; i++) await client.send('Metadata', 12, { topics: [] })
  const large = (await connected(t, broker)).produce('orders', recordBatch(['x'.repeat(900_000)], { timestamp: Date.now() }))
  assert.equal((await client.produce('orders', recordBatch(['small'], { timestamp: Date.now() }))).errorCode, 0)
  assert.equal(await Promise.race([large.then(() => 'answered'), client.send('Metadata', 12, { topics: [] }).then(() => 'waits')]), 'waits')
  stuck[0]!.destroy()
  assert.equal((await large).errorCode, 0)
})

test('a client that holds memory and does not come on loses its connection once others wait for it', async (t) => {
  const properties = { 'queued.max.request.bytes': String(MIB), 'millrace.memory.stall.timeout.ms': '100' }
  const { broker, client, logger } = await startedBroker(t, { properties })
  await createTopic(client, 'orders')
  const stuck = connect({ host: '127.0.0.1', port: broker.port })
  t.after(() => stuck.destroy())
  stuck.on('error', () => {})
  await once(stuck, 'connect')
  const start = Buffer.alloc(100)
  start.writeInt32BE(MIB)
  stuck.write(start)
  for (let i = 0; i < 20; i++) await client.send('Metadata', 12, { topics: [] })
  const large = client.produce('orders', recordBatch(['x'.repeat(900_000)], { timestamp: Date.now() }))
  await once(stuck, 'close')
  assert.equal((await large).errorCode, 0)
  assert.ok(logger.lines.some((line) => line.includes('has not come on for 100 ms')))
})

/** Clients that ask for all of a topic and never read. */
async function slowClients(t: TestContext, broker: Broker, count: number): Promise<Socket[]> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 8 * MIB }]
  const body = { maxWaitMs: 0, minBytes: 1, topics: [{ topic: 'orders', partitions }], forgottenTopicsData: [] }
  const request = encodeRequest({ api: 'Fetch', version: 12, correlationId: 1, clientId: 'slow', body })
  const sockets = Array.from({ length: count }, () => connect({ host: '127.0.0.1', port: broker.port }))
  for (const socket of sockets) {
    t.after(() => socket.destroy())
    socket.on('error', () => {})
    socket.pause()
    await once(socket, 'connect')
    socket.write(request)
  }
  return sockets
}

test('all answers together stay within their budget, however many clients do not read, and others go on', async (t) => {
  const { broker, client } = await startedBroker(t, { properties: { 'millrace.fetch.memory.max.bytes': String(16 * MIB) } })
  await createTopic(client, 'orders')
  for (let i = 0; i < 20; i++) await client.produce('orders', recordBatch(['x'.repeat(900_000)], { timestamp: Date.now() }))
  const before = process.memoryUsage().arrayBuffers
  await slowClients(t, broker, 30)
  for (let i = 0; i < 50; i++) await client.send('Metadata', 12, { topics: [] })
  // Thirty answers would be 240 MB; the pool's sizes are powers of two.
  const added = process.memoryUsage().arrayBuffers - before
  assert.ok(added < 60 * MIB, `${added / MIB} MiB`)
  assert.ok((await client.fetch('orders', 0, { maxBytes: 8 * MIB })).records!.length > 0, 'gets its turn')
})

test('clients that do not read what others wait for lose their connections', async (t) => {
  const properties = { 'millrace.fetch.memory.max.bytes': String(MIB), 'millrace.memory.stall.timeout.ms': '100' }
  const { broker, client, logger } = await startedBroker(t, { properties })
  const bytes = 40 * MIB
  await createTopic(client, 'orders', 1, { 'max.message.bytes': String(2 * bytes) })
  assert.equal((await client.produce('orders', recordBatch(['x'.repeat(bytes)], { timestamp: Date.now() }))).errorCode, 0)
  const slow = await slowClients(t, broker, 2)
  const gone = slow.map((socket) => once(socket, 'close'))
  // By then both have been heard.
  for (let i = 0; i < 50; i++) await client.send('Metadata', 12, { topics: [] })
  assert.equal((await client.fetch('orders', 0, { maxBytes: MIB })).records!.length > bytes, true)
  assert.ok(logger.lines.some((line) => line.includes('has not read its answer for 100 ms')))
  for (const socket of slow) socket.resume()
  await Promise.all(gone)
})

test('a client whose answers have left holds none of the budget, nor does one that is cut off in the middle', async (t) => {
  const { broker, client } = await startedBroker(t, { properties: { 'millrace.fetch.memory.max.bytes': String(4 * MIB) } })
  await createTopic(client, 'orders')
  for (let i = 0; i < 4; i++) await client.produce('orders', recordBatch(['x'.repeat(900_000)], { timestamp: Date.now() }))
  for (let round = 0; round < 10; round++) {
    if (round % 3 === 0) broker.faults.inject({ kind: 'request', api: 'Fetch', action: 'lose-answer', times: 1 })
    const cut = await connected(t, broker)
    void cut.fetch('orders', 0, { maxBytes: 8 * MIB }).catch(() => {})
    if (round % 2) await client.send('Metadata', 12, { topics: [] })
    cut.close()
  }
  broker.faults.clear()
  // Without room each of them would wait for ever.
  for (let round = 0; round < 10; round++) assert.ok((await client.fetch('orders', 0, { maxBytes: 8 * MIB })).records!.length > 0)
})
