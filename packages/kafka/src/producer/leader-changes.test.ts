import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { ErrorCode, type RequestBody, type ResponseInput } from '@millrace/kafka-protocol'
import { waitFor } from '@millrace/testing'
import type { Properties } from '../config/client-properties.ts'
import { ScriptedBrokers } from '../fixtures/scripted-brokers.ts'
import { silentLogger as logger } from '../logger.ts'
import { Producer } from './producer.ts'

/* How the producer gets from one leader to the next. */

type ProducedPartition = ResponseInput<'Produce'>['responses'][number]['partitionResponses'][number]

function produced({ topicData }: RequestBody<'Produce'>, instead: Partial<ProducedPartition> = {}): ResponseInput<'Produce'> {
  return {
    responses: topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({ index, errorCode: 0, baseOffset: 0, ...instead })),
    })),
  }
}

async function bench(t: TestContext, properties: Properties = {}): Promise<{ brokers: ScriptedBrokers; send: () => Promise<number> }> {
  const brokers = await ScriptedBrokers.start(t, 2)
  brokers.topics = { t: [{ leader: 1, leaderEpoch: 1 }] }
  brokers.on('InitProducerId', () => ({ errorCode: 0, producerId: 7, producerEpoch: 0 }))
  brokers.on('Produce', ({ body }) => produced(body))
  const producer = new Producer({ 'bootstrap.servers': brokers.bootstrapServers, 'linger.ms': '0', 'reconnect.backoff.ms': '2', ...properties }, { logger })
  t.after(() => producer.close({ timeoutMs: 0 }))
  const send = () =>
    new Promise<number>((resolve, reject) => {
      producer.send('t', 0, 1_000, null, 'x', null, { acknowledged: (_topic, _partition, offset) => resolve(offset), failed: reject })
    })
  return { brokers, send }
}

test('sends again at once to the leader that the former one names, whatever the metadata say', async (t) => {
  const { brokers, send } = await bench(t, { 'retry.backoff.ms': '60000', 'retry.backoff.max.ms': '60000' })
  await send()
  const nodeEndpoints = [{ nodeId: 2, host: '127.0.0.1', port: brokers.port(2) }]
  brokers.on('Produce', ({ broker, body }) => {
    if (broker === 2) return produced(body, { baseOffset: 5 })
    return { ...produced(body, { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, currentLeader: { leaderId: 2, leaderEpoch: 2 } }), nodeEndpoints }
  })
  assert.equal(await send(), 5)
})

test('sends again to the new leader what it had sent to a broker that has left the cluster', async (t) => {
  const { brokers, send } = await bench(t, { 'retry.backoff.ms': '5', 'metadata.max.age.ms': '50' })
  await send()
  brokers.on('Produce', ({ broker, body }) => (broker === 2 ? produced(body, { baseOffset: 5 }) : 'silence'))
  const sent = send()
  await waitFor(() => brokers.of('Produce').length === 2, { what: 'the batch to be sent', intervalMs: 1 })
  brokers.alive = [2]
  brokers.topics = { t: [{ leader: 2, leaderEpoch: 2 }] }
  assert.equal(await sent, 5)
  const [, first, again] = brokers.of('Produce').map(({ body }) => body.topicData[0]!.partitionData[0]!.records)
  assert.deepEqual(again, first, 'the same bytes, sequence number included, so that the broker can tell if it has them')
})
