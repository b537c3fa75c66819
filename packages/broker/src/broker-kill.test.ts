import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBatches } from '@millrace/kafka-protocol'
import { Random } from '@millrace/testing'
import { RawClient } from './fixtures/raw-client.ts'
import { recordBatch, recordsIn } from './fixtures/record-batches.ts'
import { startBrokerProcess } from './fixtures/start-broker-process.ts'
import { temporaryFolder } from './fixtures/temporary-folder.ts'

const ROUNDS = 20
const IN_FLIGHT = 5

/** What a producer knows of a batch: its values, and where it stands once it has been acknowledged. */
interface Sent {
  readonly baseSequence: number
  readonly values: readonly string[]
  baseOffset: number | undefined
}

test(`loses no acknowledged record and repeats none when it is killed at ${ROUNDS} random moments`, async (t) => {
  const random = new Random()
  t.diagnostic(`MILLRACE_SEED=${random.seed}`)
  const dataDir = temporaryFolder(t)
  const all: Sent[] = []
  let producerId = -1
  let committed = -1
  let acknowledgedCommit = -1

  for (let round = 0; round < ROUNDS; round++) {
    const { child, port, exited } = await startBrokerProcess(dataDir)
    const client = await RawClient.connect(port)
    const coordinator = await RawClient.connect(port)
    await client.send('Metadata', 12, { topics: [{ name: 'orders' }] })
    if (producerId === -1) ({ producerId } = await client.send('InitProducerId', 4, { transactionalId: null, transactionTimeoutMs: 0 }))

    // The commit whose answer was lost may or may not have been stored; no other.
    const { groups } = await coordinator.send('OffsetFetch', 8, { groups: [{ groupId: 'g', topics: [{ name: 'orders', partitionIndexes: [0] }] }] })
    const { committedOffset } = groups[0]!.topics[0]!.partitions[0]!
    assert.ok(
      committedOffset === acknowledgedCommit || committedOffset === committed,
      `offset ${committedOffset} is committed, ${acknowledgedCommit} was acknowledged`,
    )

    // Killed after so many answers, at whatever the broker is doing then with the requests behind them.
    let answersLeft = random.integer(1, 120)
    const kill = () => {
      if (--answersLeft === 0) child.kill('SIGKILL')
    }
    const send = async (sent: Sent) => {
      const records = recordBatch(sent.values, { timestamp: Date.now(), producerId, producerEpoch: 0, baseSequence: sent.baseSequence })
      const { errorCode, baseOffset } = await client.produce('orders', records)
      assert.equal(errorCode, 0)
      assert.ok(sent.baseOffset === undefined || sent.baseOffset === baseOffset)
      sent.baseOffset = baseOffset
      kill()
    }
    const produce = async () => {
      // What has no answer is sent again first, in its order.
      const again = all.filter(({ baseOffset }) => baseOffset === undefined)
      const inFlight = new Set<Promise<void>>()
      for (;;) {
        let sent = again.shift()
        if (!sent) {
          const last = all.at(-1)
          const baseSequence = last ? last.baseSequence + last.values.length : 0
          const values = Array.from({ length: random.integer(1, 200) }, (_, i) => `${baseSequence + i}`)
          all.push((sent = { baseSequence, values, baseOffset: undefined }))
        }
        const sending = send(sent)
        inFlight.add(sending)
        sending.then(
          () => inFlight.delete(sending),
          () => {},
        )
        if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight)
        // Rejected ones stay in the set and end the loop.
      }
    }
    const commit = async () => {
      for (;;) {
        committed = Math.max(committed, acknowledgedCommit) + 1
        const partitions = [{ partitionIndex: 0, committedOffset: committed, committedMetadata: null }]
        const { topics } = await coordinator.send('OffsetCommit', 8, { groupId: 'g', topics: [{ name: 'orders', partitions }] })
        assert.equal(topics[0]!.partitions[0]!.errorCode, 0)
        acknowledgedCommit = committed
        kill()
      }
    }
    const failures = (await Promise.allSettled([produce(), commit()])).map((result) => (result.status === 'rejected' ? (result.reason as Error).message : ''))
    assert.deepEqual(failures, ['The connection was closed.', 'The connection was closed.'])
    await exited
    client.close()
    coordinator.close()
  }

  const { child, port, exited } = await startBrokerProcess(dataDir)
  const client = await RawClient.connect(port)
  const records: { readonly offset: number; readonly value: string }[] = []
  const batchEpochs: { readonly epoch: number; readonly offset: number }[] = []
  for (;;) {
    const { records: bytes, highWatermark } = await client.fetch('orders', records.length)
    for (const batch of readBatches(bytes!)) {
      batchEpochs.push({ epoch: batch.partitionLeaderEpoch, offset: batch.baseOffset })
      records.push(...recordsIn([batch.bytes]))
    }
    if (records.length >= highWatermark) break
  }
  // Each round was led in an epoch of its own, which ended where the next one with records begins.
  const starts = [...new Map(batchEpochs.map(({ epoch, offset }) => [epoch, offset] as const).reverse())].reverse()
  for (const [i, [epoch]] of starts.entries()) {
    const { topics } = await client.send('OffsetForLeaderEpoch', 4, {
      replicaId: -2,
      topics: [{ topic: 'orders', partitions: [{ partition: 0, leaderEpoch: epoch }] }],
    })
    const { leaderEpoch, endOffset } = topics[0]!.partitions[0]!
    assert.deepEqual([leaderEpoch, endOffset], [epoch, starts[i + 1]?.[1] ?? records.length])
  }
  child.kill('SIGKILL')
  await exited
  client.close()
  // Every record once and in its order, whether or not its answer was lost; at most the last few without an answer are not there.
  for (const [i, { offset, value }] of records.entries()) assert.deepEqual({ offset, value }, { offset: i, value: String(i) })
  for (const { baseOffset, values } of all) if (baseOffset !== undefined) assert.ok(baseOffset + values.length <= records.length)
  t.diagnostic(`${records.length} records in ${all.length} batches, ${acknowledgedCommit + 1} commits`)
})
