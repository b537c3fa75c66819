import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Broker, startBroker } from '@millrace/broker'
import { Admin, Consumer, isKafkaError, Producer, silentLogger as logger } from '@millrace/kafka'
import { FrameSplitter } from '@millrace/kafka-protocol'
import fc from 'fast-check'
import { framed } from './decoders.ts'
import { bytesOf, type Mutated, mutated } from './mutation.ts'

const TOPIC = 'lies'
const FRAME_BYTES_MAX = 64 * 1024 * 1024
/** An operation may take its own time-outs several times over; what takes longer hangs. */
const OPERATION_DEADLINE_MS = 20_000
const PROPERTIES = {
  'request.timeout.ms': '250',
  'default.api.timeout.ms': '600',
  'delivery.timeout.ms': '600',
  'max.block.ms': '600',
  'retry.backoff.ms': '5',
  'retry.backoff.max.ms': '20',
  'reconnect.backoff.ms': '5',
  'reconnect.backoff.max.ms': '20',
  'socket.connection.setup.timeout.ms': '250',
} as const

/** One answer of this many is changed; the first ones of each connection as well as later ones. */
interface Lies {
  readonly everyNth: number
  readonly mutations: readonly Mutated[]
}

const lies: fc.Arbitrary<Lies> = fc.record({ everyNth: fc.integer({ min: 1, max: 8 }), mutations: fc.array(mutated(1), { minLength: 1, maxLength: 12 }) })

/**
 * Uses producers, consumers, group members and admins through a broker whose answers are changed on the way. Each operation has to end in its time, well or with a
 * `KafkaError`; nothing may go unhandled. One input is one answer that was changed.
 */
export async function fuzzClient(inputs: number, seed: number, progress: (inputs: number) => void): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'))
  const broker = await startBroker({
    port: 0,
    dataDir,
    logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  })
  const liar = await LyingBroker.listen(broker)
  try {
    await fillTopic(broker)
    let told = 0
    const property = fc.asyncProperty(lies, async (each) => {
      if (told >= inputs) return
      const before = liar.told
      liar.lies = each
      await useClients(`127.0.0.1:${liar.port}`)
      told += liar.told - before
      progress(liar.told - before)
    })
    await fc.assert(property, { numRuns: inputs, seed, endOnFailure: true })
  } finally {
    liar.close()
    await broker.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function fillTopic({ host, port }: Broker): Promise<void> {
  const producer = new Producer({ 'bootstrap.servers': `${host}:${port}`, 'compression.type': 'lz4' }, { logger })
  for (let i = 0; i < 200; i++) producer.send(TOPIC, 0, 1, `key ${i}`, `value ${i}`, [{ key: 'h', value: Buffer.from('x') }], null)
  await producer.close()
}

async function useClients(bootstrapServers: string): Promise<void> {
  const properties = { 'bootstrap.servers': bootstrapServers, ...PROPERTIES }
  await Promise.all([produce(properties), consume(properties), describe(properties)])
}

async function produce(properties: Readonly<Record<string, string>>): Promise<void> {
  const producer = new Producer(properties, { logger })
  for (let i = 0; i < 5; i++) producer.send('other', null, 1, null, 'x', null, null)
  await inTime('flush', producer.flush())
  await inTime('close of a producer', producer.close({ timeoutMs: 300 }))
}

async function consume(properties: Readonly<Record<string, string>>): Promise<void> {
  const consumer = new Consumer({ ...properties, 'group.id': 'g', 'auto.offset.reset': 'earliest', 'isolation.level': 'read_committed' }, { logger })
  consumer.subscribe({ topics: [TOPIC] }, { revoked() {}, assigned() {} })
  for (let i = 0; i < 4; i++) {
    await inTime(
      'poll',
      refusedOr(async () => readAll(await consumer.poll(60))),
    )
  }
  await inTime(
    'commit',
    refusedOr(() => consumer.commit()),
  )
  await inTime(
    'close of a consumer',
    refusedOr(() => consumer.close({ timeoutMs: 300 })),
  )
}

function readAll({ partitions }: Awaited<ReturnType<Consumer['poll']>>): void {
  for (const records of partitions) while (records.next()) records.buffer.toString('utf8', records.valueStart, records.valueEnd)
}

async function describe(properties: Readonly<Record<string, string>>): Promise<void> {
  const admin = new Admin(properties, { logger })
  await inTime(
    'describing',
    refusedOr(() => admin.describeTopics([TOPIC])),
  )
  await inTime(
    'settings',
    refusedOr(() => admin.describeConfigs([{ type: 'topic', name: TOPIC }])),
  )
  await inTime(
    'offsets of a group',
    refusedOr(() => admin.listConsumerGroupOffsets('g')),
  )
  await inTime('close of an admin', admin.close())
}

async function refusedOr(operation: () => Promise<unknown>): Promise<void> {
  try {
    await operation()
  } catch (error) {
    if (!isKafkaError(error)) throw new Error(`The client threw something else than a KafkaError: ${String(error)}`, { cause: error })
  }
}

async function inTime(what: string, operation: Promise<unknown>): Promise<void> {
  const timer = new AbortController()
  const late = delay(OPERATION_DEADLINE_MS, undefined, { signal: timer.signal }).then(
    () => {
      throw new Error(`The ${what} has not ended within ${OPERATION_DEADLINE_MS} ms.`)
    },
    () => undefined,
  )
  try {
    await Promise.race([operation, late])
  } finally {
    timer.abort()
  }
}

/** Stands between client and broker, and changes some of the broker's answers. */
class LyingBroker {
  lies: Lies = { everyNth: 1, mutations: [] }
  /** How many answers were changed. */
  told = 0
  readonly #server: Server
  readonly #target: Broker
  readonly #sockets = new Set<Socket>()
  #answers = 0

  private constructor(server: Server, target: Broker) {
    this.#server = server
    this.#target = target
    server.on('connection', (client) => this.#accept(client))
  }

  static async listen(target: Broker): Promise<LyingBroker> {
    const server = createServer({ noDelay: true })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    return new LyingBroker(server, target)
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(client: Socket): void {
    const broker = connect(this.#target.port, this.#target.host)
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket)
      // The other end is gone, whoever began.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    client.pipe(broker)
    const splitter = new FrameSplitter(FRAME_BYTES_MAX)
    broker.on('data', (chunk: Buffer) => {
      for (const frame of splitter.push(chunk)) client.write(this.#passedOn(frame))
    })
  }

  #passedOn(frame: Buffer): Buffer {
    const { everyNth, mutations } = this.lies
    const isChanged = ++this.#answers % everyNth === 0 && mutations.length > 0
    if (!isChanged) return framed([frame])
    // Correlation ids are left alone mostly: with another one, the client looks no further.
    const mutation = mutations[this.told++ % mutations.length]!
    const head = this.told % 5 === 0 ? 0 : 4
    return framed([Buffer.concat([frame.subarray(0, head), bytesOf(mutation, frame.subarray(head))])])
  }
}
