import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBatches } from '@millrace/kafka-protocol'
import { Random } from '@millrace/testing'
import { RawClient } from '../fixtures/raw-client.ts'
import { recordBatch, recordsIn } from '../fixtures/record-batches.ts'
import { startBrokerProcess } from '../fixtures/start-broker-process.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const ROUNDS = 12
const PRODUCERS = 3
const PARTITIONS = [0, 1] as const

/** What a producer knows of one of its transactions. */
interface Attempt {
  readonly number: number
  /** By partition. */
  readonly values: readonly (readonly string[])[]
  outcome: 'committed' | 'aborted' | 'unknown' | 'running'
}

/** A transactional producer that goes on after each death of the broker as a new one of the same transactional id. */
class Producer {
  readonly id: string
  readonly attempts: Attempt[] = []
  readonly #random: Random

  constructor(id: string, random: Random) {
    this.id = id
    this.#random = random
  }

  /** Transactions one after the other until the connection breaks. @param answered after each answer. */
  async run(client: RawClient, answered: () => void): Promise<never> {
    const { producerId, producerEpoch, errorCode } = await client.send('InitProducerId', 4, {
      transactionalId: this.id,
      transactionTimeoutMs: 600_000,
      producerId: -1,
      producerEpoch: -1,
    })
    assert.equal(errorCode, 0)
    const sequences = PARTITIONS.map(() => 0)
    for (;;) {
      const number = this.attempts.length
      const values = PARTITIONS.map((partition) =>
        Array.from({ length: this.#random.integer(1, 30) }, (_, index) => `${this.id} ${number} ${partition} ${index}`),
      )
      const attempt: Attempt = { number, values, outcome: 'running' }
      this.attempts.push(attempt)
      const identity = { transactionalId: this.id, producerId, producerEpoch }
      const added = await client.send('AddPartitionsToTxn', 3, {
        v3AndBelowTransactionalId: this.id,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [{ name: 'orders', partitions: [...PARTITIONS] }],
      })
      assert.equal(added.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode, 0)
      answered()
      for (const partition of PARTITIONS) {
        const baseSequence = sequences[partition]!
        const records = recordBatch(values[partition]!, { timestamp: Date.now(), producerId, producerEpoch, baseSequence, isTransactional: true })
        assert.equal((await client.produce('orders', records, { partition })).errorCode, 0)
        sequences[partition] = baseSequence + values[partition]!.length
        answered()
      }
      assert.equal((await client.send('AddOffsetsToTxn', 3, { ...identity, groupId: this.id })).errorCode, 0)
      const partitions = [{ partitionIndex: 0, committedOffset: number, committedMetadata: null }]
      const { topics } = await client.send('TxnOffsetCommit', 3, { ...identity, groupId: this.id, topics: [{ name: 'orders', partitions }] })
      assert.equal(topics[0]!.partitions[0]!.errorCode, 0)
      answered()
      const committed = this.#random.integer(0, 3) > 0
      // From here on until the answer nobody can know.
      attempt.outcome = committed ? 'unknown' : 'aborted'
      assert.equal((await client.send('EndTxn', 3, { ...identity, committed })).errorCode, 0)
      attempt.outcome = committed ? 'committed' : 'aborted'
      answered()
    }
  }

  /** What is running can only be aborted: the next producer of the id does it. */
  broken(): void {
    const last = this.attempts.at(-1)
    if (last?.outcome === 'running') last.outcome = 'aborted'
  }
}

/** The values that a consumer of committed records sees in a partition, in order. */
async function committedValues(client: RawClient, partition: number): Promise<string[]> {
  const values: string[] = []
  for (let offset = 0; ; ) {
    const { records, abortedTransactions, lastStableOffset, highWatermark } = await client.fetch('orders', offset, { partition, isolationLevel: 1 })
    assert.equal(lastStableOffset, highWatermark, 'nothing is left open')
    const aborted = [...(abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset)
    const active = new Set<number>()
    for (const batch of readBatches(records!)) {
      while (aborted.length > 0 && aborted[0]!.firstOffset <= batch.lastOffset) active.add(aborted.shift()!.producerId)
      if (batch.isControl) active.delete(batch.producerId)
      else if (!active.has(batch.producerId)) values.push(...recordsIn([batch.bytes]).map(({ value }) => value))
      offset = batch.nextOffset
    }
    if (offset >= highWatermark) return values
  }
}

test(`a transaction is committed as a whole or not at all, with its offsets, when the broker is killed at ${ROUNDS} random moments`, async (t) => {
  const random = new Random()
  t.diagnostic(`MILLRACE_SEED=${random.seed}`)
  const dataDir = temporaryFolder(t)
  const producers = Array.from({ length: PRODUCERS }, (_, index) => new Producer(`tx-${index}`, random))

  for (let round = 0; round < ROUNDS; round++) {
    const { child, port, exited } = await startBrokerProcess(dataDir)
    const clients = await Promise.all(producers.map(() => RawClient.connect(port)))
    if (round === 0) {
      await clients[0]!.send('CreateTopics', 7, {
        topics: [{ name: 'orders', numPartitions: PARTITIONS.length, replicationFactor: 1, assignments: [], configs: [] }],
      })
    }
    let answersLeft = random.integer(1, 150)
    const answered = () => {
      if (--answersLeft === 0) child.kill('SIGKILL')
    }
    const results = await Promise.allSettled(producers.map((producer, index) => producer.run(clients[index]!, answered)))
    for (const result of results) assert.equal(result.status === 'rejected' && (result.reason as Error).message, 'The connection was closed.')
    await exited
    for (const producer of producers) producer.broken()
    for (const client of clients) client.close()
  }

  const { child, port, exited } = await startBrokerProcess(dataDir)
  const client = await RawClient.connect(port)
  for (const { id } of producers) {
    const request = { transactionalId: id, transactionTimeoutMs: 600_000, producerId: -1, producerEpoch: -1 }
    assert.equal((await client.send('InitProducerId', 4, request)).errorCode, 0)
  }
  const seen = await Promise.all(PARTITIONS.map((partition) => committedValues(client, partition)))
  for (const { id, attempts } of producers) {
    const kept = attempts.filter(({ outcome, values }) => outcome === 'committed' || (outcome === 'unknown' && seen[0]!.includes(values[0]![0]!)))
    for (const partition of PARTITIONS) {
      const own = seen[partition]!.filter((value) => value.startsWith(`${id} `))
      assert.deepEqual(
        own,
        kept.flatMap(({ values }) => values[partition]!),
        `partition ${partition} of ${id}`,
      )
    }
    const { groups } = await client.send('OffsetFetch', 8, {
      requireStable: true,
      groups: [{ groupId: id, topics: [{ name: 'orders', partitionIndexes: [0] }] }],
    })
    const { committedOffset, errorCode } = groups[0]!.topics[0]!.partitions[0]!
    assert.deepEqual([errorCode, committedOffset], [0, kept.at(-1)?.number ?? -1], `offset of ${id}`)
  }
  child.kill('SIGKILL')
  await exited
  client.close()
  const count = (outcome: Attempt['outcome']) => producers.flatMap(({ attempts }) => attempts).filter((attempt) => attempt.outcome === outcome).length
  t.diagnostic(`${count('committed')} committed, ${count('aborted')} aborted, ${count('unknown')} without an answer`)
})
