import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Broker, type BrokerLogger, startBroker } from '@millrace/broker'
import { crc32c } from '@millrace/kafka'
import { decodeResponse, encodeProduceRequest, encodeRequest, RecordBatchOffset } from '@millrace/kafka-protocol'
import fc from 'fast-check'
import { batches, requests } from './corpus.ts'
import { framed } from './decoders.ts'
import { bytesOf, type Mutated, mutated } from './mutation.ts'

/** What is sent on one connection. */
type Attack =
  | { readonly kind: 'raw' | 'framed'; readonly requests: readonly Mutated[] }
  /** Records that their header and checksum vouch for, then a look for a time in them, for which the broker has to read them. */
  | { readonly kind: 'records'; readonly batch: Mutated }

const attack: fc.Arbitrary<Attack> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('framed' as const), requests: fc.array(mutated(requests.length), { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('raw' as const), requests: fc.array(mutated(requests.length), { minLength: 1, maxLength: 2 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('records' as const), batch: mutated(batches.length) }) },
)

const CONNECTIONS_AT_ONCE = 16
/** How long an answer is waited for: some requests are held back by right. */
const ANSWER_WAIT_MS = 25
const HEALTH_DEADLINE_MS = 10_000
const ATTACKS_BETWEEN_HEALTH_CHECKS = 320
const TOPIC = 'fuzzed'

/**
 * Sends mutated requests to the embedded broker. It may answer or close the connection; it must go on serving others, and must not meet an error that it did not
 * make itself.
 *
 * @param seed repeats a run, as far as the order in which connections are served allows.
 * @throws what fast-check throws; an Error where the broker does not answer any more.
 */
export async function fuzzBrokerPort(inputs: number, seed: number, progress: (inputs: number) => void): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'))
  const failures: unknown[] = []
  const logger: BrokerLogger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (message, error) => failures.push(new Error(message, { cause: error })),
  }
  const broker = await startBroker({ port: 0, dataDir, logger, properties: { 'num.partitions': '2' } })
  let sent = 0
  try {
    const property = fc.asyncProperty(fc.array(attack, { minLength: CONNECTIONS_AT_ONCE, maxLength: CONNECTIONS_AT_ONCE }), async (attacks) => {
      await Promise.all(attacks.map((each) => send(broker, bytesOfAttack(each))))
      if (failures.length > 0) throw failures.splice(0)[0]
      const before = sent
      sent += attacks.length
      progress(attacks.length)
      if (Math.floor(before / ATTACKS_BETWEEN_HEALTH_CHECKS) !== Math.floor(sent / ATTACKS_BETWEEN_HEALTH_CHECKS)) await checkHealth(broker)
    })
    await fc.assert(property, { numRuns: Math.ceil(inputs / CONNECTIONS_AT_ONCE), seed, endOnFailure: true })
    await checkHealth(broker)
  } finally {
    await broker.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

function bytesOfAttack(attack: Attack): Buffer {
  if (attack.kind === 'records') return Buffer.concat([...produced(vouchedFor(bytesOf(attack.batch, batches[attack.batch.index]!))), lookForTime()])
  const sent = attack.requests.map((mutation) => bytesOf(mutation, requests[mutation.index]!.bytes))
  return attack.kind === 'framed' ? framed(sent) : Buffer.concat(sent)
}

/** Length and checksum are made right again, so that the broker looks further. */
function vouchedFor(batch: Buffer): Buffer {
  if (batch.length < RecordBatchOffset.records) return batch
  batch.writeInt32BE(batch.length - RecordBatchOffset.partitionLeaderEpoch, RecordBatchOffset.batchLength)
  batch[RecordBatchOffset.magic] = 2
  // Of no producer: the sequence would be refused first.
  batch.fill(0xff, RecordBatchOffset.producerId, RecordBatchOffset.recordCount)
  batch[RecordBatchOffset.attributes + 1]! &= 0x0f
  batch.writeUInt32BE(crc32c(batch.subarray(RecordBatchOffset.attributes)), RecordBatchOffset.crc)
  return batch
}

function produced(records: Buffer): Buffer[] {
  const topics = [{ name: TOPIC, partitions: [{ index: 0, records: [records] }] }]
  return encodeProduceRequest({ version: 9, correlationId: 1, clientId: 'fuzz', acks: 1, timeoutMs: 1000, topics })
}

function lookForTime(): Buffer {
  const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp: 1_700_000_000_000 }] }]
  return encodeRequest({ api: 'ListOffsets', version: 1, correlationId: 2, clientId: 'fuzz', body: { replicaId: -1, topics } })
}

/** Resolves when the connection is closed, or there was an answer, or none for a while. */
async function send(broker: Broker, bytes: Buffer): Promise<void> {
  const socket = connect(broker.port, broker.host)
  try {
    await ended(socket, () => socket.write(bytes))
  } finally {
    socket.destroy()
  }
}

function ended(socket: Socket, connected: () => void): Promise<void> {
  return new Promise((resolve) => {
    socket.on('connect', connected)
    socket.on('data', () => resolve())
    socket.on('close', () => resolve())
    // The broker refuses by closing; 'close' follows.
    socket.on('error', () => undefined)
    socket.setTimeout(ANSWER_WAIT_MS, resolve)
  })
}

async function checkHealth(broker: Broker): Promise<void> {
  const socket = connect(broker.port, broker.host)
  try {
    const frame = await Promise.race([
      answer(socket),
      delay(HEALTH_DEADLINE_MS, null).then(() => {
        throw new Error(`The broker has not answered for ${HEALTH_DEADLINE_MS} ms.`)
      }),
    ])
    decodeResponse('ApiVersions', 3, frame)
  } finally {
    socket.destroy()
  }
}

function answer(socket: Socket): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  let received = Buffer.alloc(0)
  socket.on('connect', () => {
    const body = { clientSoftwareName: 'fuzz', clientSoftwareVersion: '1' }
    socket.write(encodeRequest({ api: 'ApiVersions', version: 3, correlationId: 1, clientId: 'health', body }))
  })
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) resolve(received.subarray(4))
  })
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('The broker closed a connection that asked for its versions.')))
  return promise
}
