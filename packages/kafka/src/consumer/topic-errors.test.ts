import assert from 'node:assert/strict'
import test from 'node:test'
import { ErrorCode } from '@millrace/kafka-protocol'
import { waitFor } from '@millrace/testing'
import { batchOfEpoch, ScriptedBrokers } from '../fixtures/scripted-brokers.ts'
import { silentLogger as logger } from '../logger.ts'
import { Consumer } from './consumer.ts'

for (const name of ['TOPIC_AUTHORIZATION_FAILED', 'INVALID_TOPIC_EXCEPTION'] as const) {
  test(`${name} of a topic is thrown instead of waited for, and reading goes on when it is over`, async (t) => {
    const brokers = await ScriptedBrokers.start(t, 1)
    brokers.topics = { t: [{ leader: 1, leaderEpoch: 1 }] }
    brokers.topicErrors = { t: ErrorCode[name] }
    brokers.on('Fetch', ({ body }) => {
      const records = body.topics[0]?.partitions[0]?.fetchOffset === 0 ? batchOfEpoch(1, 0, ['x']) : null
      const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 1, abortedTransactions: null, records }
      return { responses: records ? [{ topic: 't', topicId: body.topics[0]!.topicId, partitions: [partition] }] : [] }
    })
    const consumer = new Consumer({ 'bootstrap.servers': brokers.bootstrapServers, 'retry.backoff.ms': '2' }, { logger })
    t.after(() => consumer.close({ timeoutMs: 0 }))
    const place = { topic: 't', partition: 0 }
    consumer.assign([place])
    consumer.seek({ ...place, offset: 0 })
    const polls = async () => {
      for (;;) await consumer.poll(20)
    }
    await assert.rejects(polls(), { code: name, message: /"t"/ })
    await assert.rejects(consumer.endOffsets([place]), { code: name })
    brokers.topicErrors = {}
    // What the brokers had said before may be told once more.
    await waitFor(async () => (await consumer.poll(20)).count === 1, { what: 'the record', intervalMs: 0 })
  })
}
