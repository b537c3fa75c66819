import assert from 'node:assert/strict'
import test from 'node:test'
import { ErrorCode, type KafkaError, kafkaError } from '@millrace/kafka-protocol'
import { timeoutError } from '../errors.ts'
import { PartitionQueue, type ProducerIdentity } from './partition-queue.ts'
import type { TransactionProtocol } from './transaction-requests.ts'
import { Transactions } from './transactions.ts'

/** A coordinator that notes what it is asked, and answers what the test wants. */
class Script implements TransactionProtocol {
  readonly asked: string[] = []
  /** By request, answered once. */
  readonly failures = new Map<string, KafkaError>()
  /** By request; it is held until the promise resolves. */
  readonly holds = new Map<string, Promise<void>>()
  #epoch = 0

  async initProducerId(current: ProducerIdentity | null): Promise<ProducerIdentity> {
    await this.#note(current === null ? 'init' : `renew ${current.producerEpoch}`)
    return { producerId: 7, producerEpoch: this.#epoch++, isTransactional: true }
  }

  addPartitions(_identity: ProducerIdentity, partitions: readonly { topic: string; partition: number }[]): Promise<void> {
    return this.#note(`add ${partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(' ')}`)
  }

  addOffsets(_identity: ProducerIdentity, groupId: string): Promise<void> {
    return this.#note(`offsets of ${groupId}`)
  }

  commitOffsets(): Promise<void> {
    return this.#note('commit offsets')
  }

  end(_identity: ProducerIdentity, isCommitted: boolean): Promise<void> {
    return this.#note(isCommitted ? 'commit' : 'abort')
  }

  async #note(request: string): Promise<void> {
    this.asked.push(request)
    const [kind = ''] = request.split(' ')
    await this.holds.get(kind)
    const failure = this.failures.get(kind)
    this.failures.delete(kind)
    if (failure) throw failure
  }
}

function bench(maxBlockMs = 10_000): { script: Script; transactions: Transactions } {
  const script = new Script()
  const transactions = new Transactions({ transactionalId: 'id', maxBlockMs, requests: script, flush: async () => undefined, changed: () => undefined })
  return { script, transactions }
}

async function open(): Promise<ReturnType<typeof bench>> {
  const made = bench()
  await made.transactions.init()
  made.transactions.begin()
  return made
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const queue = (partition: number) => new PartitionQueue('t', partition)
const offsets = [{ topic: 't', partition: 0, offset: 1 }]

test('all partitions of a round are added with one request, before anything is sent to them', async () => {
  const { script, transactions } = await open()
  const queues = [queue(0), queue(1), queue(2)]
  assert.ok(queues.every((each) => !transactions.admits(each)))
  await turn()
  assert.ok(queues.every((each) => transactions.admits(each)))
  await transactions.commit()
  transactions.begin()
  assert.equal(transactions.admits(queues[0]!), false, 'the next transaction adds them anew')
  assert.deepEqual(script.asked, ['init', 'add t-0 t-1 t-2', 'commit'])
})

test('requests to the coordinator go one after the other', async () => {
  const { script, transactions } = await open()
  const hold = Promise.withResolvers<void>()
  script.holds.set('add', hold.promise)
  transactions.admits(queue(0))
  const sent = transactions.sendOffsets(offsets, { groupId: 'g' })
  await turn()
  assert.deepEqual(script.asked, ['init', 'add t-0'])
  hold.resolve()
  await sent
  await transactions.commit()
  assert.deepEqual(script.asked, ['init', 'add t-0', 'offsets of g', 'commit offsets', 'commit'])
})

test('a transaction to which nothing was added is not ended at the coordinator', async () => {
  const { script, transactions } = await open()
  await transactions.commit()
  transactions.begin()
  await transactions.abort()
  assert.deepEqual(script.asked, ['init'])
})

test('calls that do not fit the state are refused with the words of Java', async () => {
  const { transactions } = bench()
  assert.throws(() => transactions.begin(), /TransactionalId id: Invalid transition attempted from state UNINITIALIZED to state IN_TRANSACTION/)
  assert.throws(() => transactions.checkSend('t'), { code: 'ILLEGAL_STATE' })
  await transactions.init()
  await assert.rejects(transactions.init(), /from state READY to state INITIALIZING/)
  await assert.rejects(transactions.commit(), /from state READY to state COMMITTING_TRANSACTION/)
  await assert.rejects(transactions.abort(), /from state READY to state ABORTING_TRANSACTION/)
  await assert.rejects(transactions.sendOffsets(offsets, { groupId: 'g' }), /Cannot send offsets if a transaction is not in progress/)
})

test('a record that may have been sent and failed makes the abort raise the epoch; one that was not does not', async () => {
  const { script, transactions } = await open()
  transactions.recordFailed(timeoutError('never sent'), false)
  await assert.rejects(transactions.commit(), { code: 'TRANSACTION_FAILED', message: /never sent/ })
  await transactions.abort()
  transactions.begin()
  transactions.recordFailed(timeoutError('lost'), true)
  await transactions.abort()
  assert.deepEqual(script.asked, ['init', 'renew 0'])
  assert.equal(transactions.identity?.producerEpoch, 1)
  transactions.begin()
})

test('a record that fails while the transaction is committed makes the commit fail with its error', async () => {
  const failing = timeoutError('lost')
  const script = new Script()
  const flush = async () => transactions.recordFailed(failing, true)
  const transactions: Transactions = new Transactions({ transactionalId: 'id', maxBlockMs: 10_000, requests: script, flush, changed: () => undefined })
  await transactions.init()
  transactions.begin()
  await assert.rejects(transactions.commit(), failing)
  assert.equal(transactions.refusal?.code, 'TRANSACTION_ABORTED')
})

for (const [name, request, act] of [
  ['commit', 'commit', (transactions: Transactions) => transactions.commit()],
  ['abort', 'abort', (transactions: Transactions) => transactions.abort()],
  ['offsets', 'offsets', (transactions: Transactions) => transactions.sendOffsets(offsets, { groupId: 'g' })],
] as const) {
  test(`a producer that is found to be fenced by ${name} can do nothing any more`, async () => {
    const { script, transactions } = await open()
    transactions.admits(queue(0))
    await turn()
    script.failures.set(request, kafkaError(ErrorCode.PRODUCER_FENCED))
    await assert.rejects(act(transactions), { code: 'PRODUCER_FENCED' })
    assert.equal(transactions.isFatal, true)
    assert.throws(() => transactions.begin(), { code: 'PRODUCER_FENCED' })
    assert.throws(() => transactions.checkSend('t'), { code: 'PRODUCER_FENCED' })
    await assert.rejects(transactions.abort(), { code: 'PRODUCER_FENCED' })
  })
}

for (const code of ['TOPIC_AUTHORIZATION_FAILED', 'TRANSACTION_ABORTABLE', 'OPERATION_NOT_ATTEMPTED'] as const) {
  test(`after ${code} for its partitions a transaction can be aborted`, async () => {
    const { script, transactions } = await open()
    script.failures.set('add', kafkaError(ErrorCode[code]))
    assert.equal(transactions.admits(queue(0)), false)
    await turn()
    assert.equal(transactions.refusal?.code, 'TRANSACTION_ABORTED')
    await transactions.abort()
    transactions.begin()
    assert.deepEqual(script.asked, ['init', 'add t-0'])
  })
}

test('a coordinator that does not know the producer id any longer gives a new epoch with the abort', async () => {
  const { script, transactions } = await open()
  transactions.admits(queue(0))
  await turn()
  script.failures.set('commit', kafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING))
  await assert.rejects(transactions.commit(), { code: 'INVALID_PRODUCER_ID_MAPPING' })
  script.failures.set('abort', kafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING))
  await transactions.abort()
  assert.deepEqual(script.asked, ['init', 'add t-0', 'commit', 'abort', 'renew 0'])
})

test('rights that are missing for the id may be given later: the call is repeated', async () => {
  const { script, transactions } = bench()
  script.failures.set('init', kafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED))
  await assert.rejects(transactions.init(), { code: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' })
  await transactions.init()
  transactions.begin()
})

test('a call that takes too long goes on: the same call waits for it again, others are refused until then', async () => {
  const { script, transactions } = bench(1)
  const hold = Promise.withResolvers<void>()
  script.holds.set('init', hold.promise)
  await assert.rejects(transactions.init(), { code: 'REQUEST_TIMED_OUT', message: 'Timeout expired after 1ms while awaiting initTransactions' })
  await assert.rejects(
    transactions.abort(),
    /Cannot attempt operation `abortTransaction` because the previous call to `initTransactions` timed out and must be retried/,
  )
  hold.resolve()
  await turn()
  await transactions.init()
  transactions.begin()
  assert.deepEqual(script.asked, ['init'])
})

test('closing does not wait for longer than max.block.ms for a coordinator that does not come back', async () => {
  const { script, transactions } = bench(20)
  script.holds.set('init', new Promise(() => undefined))
  await assert.rejects(transactions.init(), { code: 'REQUEST_TIMED_OUT' })
  await transactions.settled()
})
