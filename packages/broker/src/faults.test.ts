import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode } from '@millrace/kafka-protocol'
import { namesTopic } from './faults.ts'
import { recordBatch } from './fixtures/record-batches.ts'
import { connected, createTopic, startedBroker } from './fixtures/started-broker.ts'

const batch = (...values: string[]) => recordBatch(values, { timestamp: Date.now() })

test('a fault meets the n-th request that names its topic, and no other', async (t) => {
  const { client, broker } = await startedBroker(t)
  for (const name of ['orders', 'others']) await createTopic(client, name)
  const { topics } = await client.send('Metadata', 12, { topics: [{ name: 'orders' }] })
  const produceById = async () => {
    const topicData = [{ topicId: topics[0]!.topicId, partitionData: [{ index: 0, records: batch('a') }] }]
    const { responses } = await client.send('Produce', 13, { acks: -1, timeoutMs: 1000, topicData })
    return responses[0]!.partitionResponses[0]!.errorCode
  }
  const errorCode = ErrorCode.REQUEST_TIMED_OUT
  broker.faults.inject({ kind: 'request', api: 'Produce', action: 'error', errorCode, topic: 'orders', after: 1, times: 2 })
  const codes = []
  for (const topic of ['orders', 'others', 'orders', 'others']) codes.push((await client.produce(topic, batch('a'))).errorCode)
  assert.deepEqual(codes, [0, 0, errorCode, 0])
  assert.equal(await produceById(), errorCode, 'also by its id')
  assert.equal((await client.produce('orders', batch('a'))).errorCode, 0)
})

test('a fault of one client leaves the others alone, and clearing ends all', async (t) => {
  const { client, broker } = await startedBroker(t)
  broker.faults.inject({ kind: 'request', api: 'Metadata', action: 'drop', clientId: 'other' })
  assert.equal((await client.send('Metadata', 12, { topics: [] })).controllerId, 1)
  broker.faults.inject({ kind: 'request', api: 'Metadata', action: 'drop', clientId: 'raw' })
  await assert.rejects(client.send('Metadata', 12, { topics: [] }))
  broker.faults.clear()
  assert.equal((await (await connected(t, broker)).send('Metadata', 12, { topics: [] })).controllerId, 1)
})

test('a request that is ignored gets no answer, nor does what comes behind it, and the connection stays', async (t) => {
  const { client, broker } = await startedBroker(t)
  broker.faults.inject({ kind: 'request', api: 'Heartbeat', action: 'ignore', times: 1 })
  const answers = [client.send('Heartbeat', 4, { groupId: 'g', generationId: 1, memberId: 'm' }), client.send('Metadata', 12, { topics: [] })]
  const states = answers.map((answer) => {
    const state = { isOver: false }
    answer.then(
      () => (state.isOver = true),
      () => (state.isOver = true),
    )
    return state
  })
  const other = await connected(t, broker)
  for (let i = 0; i < 20; i++) await other.send('Metadata', 12, { topics: [] })
  assert.deepEqual(states, [{ isOver: false }, { isOver: false }])
  assert.equal(client.socket.destroyed, false)
  broker.faults.inject({ kind: 'close-connections', clientId: 'raw' })
  for (const answer of answers) await assert.rejects(answer, /closed/)
})

test('a client that is throttled is told so, and is not heard meanwhile', async (t) => {
  const { client, broker } = await startedBroker(t)
  await createTopic(client, 'orders')
  const delayMs = 150
  for (const api of ['Produce', 'Fetch', 'Metadata'] as const) broker.faults.inject({ kind: 'request', api, action: 'throttle', delayMs, times: 1 })
  const began = performance.now()
  assert.equal((await client.send('Metadata', 12, { topics: [] })).throttleTimeMs, delayMs)
  const topicData = [{ name: 'orders', partitionData: [{ index: 0, records: batch('a') }] }]
  const produced = await client.send('Produce', 9, { acks: -1, timeoutMs: 1000, topicData })
  assert.deepEqual([produced.throttleTimeMs, produced.responses[0]!.partitionResponses[0]!.errorCode], [delayMs, 0])
  const fetched = await client.send('Fetch', 12, { maxWaitMs: 0, minBytes: 0, topics: [], forgottenTopicsData: [] })
  assert.equal(fetched.throttleTimeMs, delayMs)
  // Two of them had to be over before the last one was heard.
  assert.ok(performance.now() - began >= 2 * delayMs - 2)
  assert.equal((await client.send('Metadata', 12, { topics: [] })).throttleTimeMs, 0)
})

test('names are found wherever a request has them, and bytes are not looked through', () => {
  assert.ok(namesTopic({ topics: [{ name: 'a', partitions: [] }] }, 'a', undefined))
  assert.ok(namesTopic({ topicNames: ['a'] }, 'a', undefined))
  assert.ok(namesTopic({ forgotten: [{ topicId: 'x' }] }, 'a', 'x'))
  assert.ok(!namesTopic({ groupId: 'a', records: Buffer.from('a'), topicId: 'x' }, 'a', undefined))
})
