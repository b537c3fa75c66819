import { setTimeout as delay } from 'node:timers/promises'
import { Consumer, type ConsumerRecords, isKafkaError, Producer, silentLogger as logger } from '@millrace/kafka'
import { waitFor } from '@millrace/testing'

/* The clients that live through random faults. Whatever ends otherwise than it may is a violation; there must be none. */

export const ORDERS = 'orders'
export const COPIES = 'copies'
export const PARTITIONS = 3

/** Time-outs that are as short as the faults are long. */
const PROPERTIES = {
  'request.timeout.ms': '1000',
  'default.api.timeout.ms': '8000',
  'delivery.timeout.ms': '120000',
  'max.block.ms': '8000',
  'retry.backoff.ms': '10',
  'retry.backoff.max.ms': '200',
  'reconnect.backoff.ms': '10',
  'reconnect.backoff.max.ms': '200',
  'socket.connection.setup.timeout.ms': '1000',
  'socket.connection.setup.timeout.max.ms': '2000',
  'session.timeout.ms': '6000',
  'heartbeat.interval.ms': '300',
  'auto.offset.reset': 'earliest',
  'enable.auto.commit': 'false',
} as const

const BATCH_INTERVAL_MS = 10
const BATCH_RECORDS = 3
const CLOSE_TIMEOUT_MS = 1_000

export interface SharedState {
  readonly bootstrapServers: string
  /** No more records are sent. */
  readonly stopSending: AbortSignal
  /** Everything has been read. */
  readonly stopReading: AbortSignal
  readonly violations: string[]
  /** How often which error was met. */
  readonly errors: Map<string, number>
}

/** What a client has met: a `KafkaError` is in order, anything else is not. */
function meet(state: SharedState, error: unknown): void {
  if (!isKafkaError(error)) state.violations.push(`a foreign error: ${error instanceof Error ? error.stack : String(error)}`)
  const name = isKafkaError(error) ? error.code : String(error)
  state.errors.set(name, (state.errors.get(name) ?? 0) + 1)
}

/** Sends 0, 1, … to each partition, idempotently; each has to be acknowledged, at the offset that is its number. @returns how many each partition has got. */
export async function sendOrders(state: SharedState): Promise<number> {
  const producer = new Producer({ 'bootstrap.servers': state.bootstrapServers, ...PROPERTIES, 'linger.ms': '2', 'batch.size': '1000' }, { logger })
  const acknowledged = new Array<number>(PARTITIONS).fill(0)
  let next = 0
  while (!state.stopSending.aborted) {
    for (let i = 0; i < BATCH_RECORDS; i++, next++) {
      for (let partition = 0; partition < PARTITIONS; partition++) send(producer, state, partition, next, acknowledged)
    }
    await delay(BATCH_INTERVAL_MS)
    if (!producer.hasRoom()) await producer.room().catch((error: unknown) => meet(state, error))
  }
  await producer.close()
  for (const [partition, count] of acknowledged.entries()) {
    if (count !== next) state.violations.push(`${count} of ${next} records were acknowledged in partition ${partition}`)
  }
  return next
}

function send(producer: Producer, { violations }: SharedState, partition: number, number: number, acknowledged: number[]): void {
  producer.send(ORDERS, partition, 1_700_000_000_000 + number, null, `${number}`, null, {
    acknowledged: (_topic, _partition, offset) => {
      // -1: the broker had it already, and says no more.
      if (offset !== number && offset !== -1) violations.push(`record ${number} of partition ${partition} is at offset ${offset}`)
      if (acknowledged[partition]!++ !== number) violations.push(`record ${number} of partition ${partition} was acknowledged out of order`)
    },
    failed: (error) => violations.push(`record ${number} of partition ${partition} has failed: ${error.code} ${error.message}`),
  })
}

/** A member of a group that reads at least once: without gaps from where it begins. */
export class Reader {
  /** Where all members together have read without a gap from the start, by partition. */
  readonly #read: number[]
  readonly #state: SharedState
  rebalances = 0

  constructor(state: SharedState, read: number[]) {
    this.#state = state
    this.#read = read
  }

  async run(): Promise<void> {
    const { bootstrapServers, stopReading } = this.#state
    const consumer = new Consumer({ 'bootstrap.servers': bootstrapServers, ...PROPERTIES, 'group.id': 'readers', 'max.poll.records': '500' }, { logger })
    const positions = new Map<number, number>()
    consumer.subscribe(
      { topics: [ORDERS] },
      {
        revoked: () => positions.clear(),
        assigned: () => {
          this.rebalances++
          positions.clear()
        },
      },
    )
    while (!stopReading.aborted) {
      try {
        const records = await consumer.poll(100)
        this.#check(records, positions)
        if (records.count > 0) await consumer.commit()
      } catch (error) {
        meet(this.#state, error)
      }
    }
    await consumer.close({ timeoutMs: CLOSE_TIMEOUT_MS }).catch((error: unknown) => meet(this.#state, error))
  }

  #check({ partitions }: ConsumerRecords, positions: Map<number, number>): void {
    for (const records of partitions) {
      const { partition } = records
      while (records.next()) {
        const number = Number(records.buffer.toString('utf8', records.valueStart, records.valueEnd))
        const expected = positions.get(partition) ?? records.offset
        if (number !== records.offset || records.offset !== expected) {
          this.#state.violations.push(`a reader expected ${expected} in partition ${partition}, and found ${number} at offset ${records.offset}`)
        }
        // A member begins where another has committed, which is never behind what was read.
        if (number > this.#read[partition]!) this.#state.violations.push(`the readers left out ${this.#read[partition]} to ${number} of partition ${partition}`)
        this.#read[partition] = Math.max(this.#read[partition]!, number + 1)
        positions.set(partition, records.offset + 1)
      }
    }
  }
}

/** A member of a group that copies each order exactly once, in transactions together with its offsets; after an error it begins anew. */
export class Copier {
  readonly #state: SharedState
  readonly #transactionalId: string
  committed = 0
  restarts = 0

  constructor(state: SharedState, transactionalId: string) {
    this.#state = state
    this.#transactionalId = transactionalId
  }

  async run(): Promise<void> {
    while (!this.#state.stopReading.aborted) {
      try {
        await this.#copy()
      } catch (error) {
        meet(this.#state, error)
        this.restarts++
        await delay(50)
      }
    }
  }

  async #copy(): Promise<void> {
    const common = { 'bootstrap.servers': this.#state.bootstrapServers, ...PROPERTIES }
    const producer = new Producer({ ...common, 'transactional.id': this.#transactionalId, 'transaction.timeout.ms': '15000' }, { logger })
    const properties = { ...common, 'group.id': 'copiers', 'isolation.level': 'read_committed', 'max.poll.records': '200' }
    const consumer = new Consumer(properties, { logger })
    try {
      await producer.initTransactions()
      consumer.subscribe({ topics: [ORDERS] }, { revoked() {}, assigned() {} })
      while (!this.#state.stopReading.aborted) await this.#transact(producer, consumer, await consumer.poll(100))
    } finally {
      await Promise.all([producer.close({ timeoutMs: CLOSE_TIMEOUT_MS }), consumer.close({ timeoutMs: CLOSE_TIMEOUT_MS })])
    }
  }

  async #transact(producer: Producer, consumer: Consumer, { count, partitions }: ConsumerRecords): Promise<void> {
    const group = consumer.groupMetadata()
    if (count === 0 || group === null) return
    producer.beginTransaction()
    const offsets = []
    for (const records of partitions) {
      const { partition } = records
      let offset = -1
      while (records.next()) {
        producer.send(COPIES, partition, 1_700_000_000_000, null, records.buffer.toString('utf8', records.valueStart, records.valueEnd), null, null)
        offset = records.offset + 1
      }
      if (offset >= 0) offsets.push({ topic: ORDERS, partition, offset })
    }
    await producer.sendOffsetsToTransaction(offsets, group)
    await producer.commitTransaction()
    this.committed++
  }
}

/** The values of a topic as a reader of committed records finds them, checked against 0, 1, … @returns what is wrong; empty if nothing is. */
export async function checkNumbers(bootstrapServers: string, topic: string, count: number): Promise<string[]> {
  const properties = {
    'bootstrap.servers': bootstrapServers,
    'auto.offset.reset': 'earliest',
    'isolation.level': 'read_committed',
    'enable.auto.commit': 'false',
  }
  const consumer = new Consumer(properties, { logger })
  const wrong: string[] = []
  try {
    const places = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }))
    consumer.assign(places)
    const ends = await consumer.endOffsets(places)
    const next = new Array<number>(PARTITIONS).fill(0)
    const read = async () => {
      for (const records of (await consumer.poll(200)).partitions) {
        while (records.next()) {
          const value = records.buffer.toString('utf8', records.valueStart, records.valueEnd)
          const expected = next[records.partition]!
          if (value !== `${expected}` && wrong.length < 20) wrong.push(`${topic}-${records.partition}: ${value} in the place of ${expected}`)
          next[records.partition] = Number(value) + 1
        }
      }
      const positions = await Promise.all(places.map((place) => consumer.position(place)))
      return positions.every((position, partition) => position >= ends[partition]!.offset)
    }
    await waitFor(read, { what: `the end of ${topic}`, intervalMs: 0, deadlineMs: 60_000, describe: () => ({ ends, next }) })
    for (const [partition, found] of next.entries()) if (found !== count) wrong.push(`${topic}-${partition}: ends after ${found} of ${count}`)
  } finally {
    await consumer.close()
  }
  return wrong
}
