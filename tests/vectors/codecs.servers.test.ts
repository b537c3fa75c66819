import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import { startBrokerThread } from '@millrace/broker'
import { Producer, silentLogger as logger } from '@millrace/kafka'
import { temporaryFolder } from '@millrace/testing'
import { skipWithoutPeer } from '../servers/peer.ts'
import { runJavaProgram } from '../tools/java/java-program.ts'

/* Libraries compress the same data to other bytes, so there are no vectors of this direction: the Java client has to read ours. */

interface ReadRecord {
  readonly topic: string
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
}

const codecs: readonly Readonly<Record<string, string>>[] = [
  { 'compression.type': 'none' },
  { 'compression.type': 'gzip' },
  { 'compression.type': 'gzip', 'compression.gzip.level': '9' },
  { 'compression.type': 'snappy' },
  { 'compression.type': 'lz4' },
  { 'compression.type': 'zstd' },
  { 'compression.type': 'zstd', 'compression.zstd.level': '-5' },
]

test('the Java client reads what we have compressed with each codec', { skip: skipWithoutPeer() }, async (t) => {
  const broker = await startBrokerThread({ port: 0, dataDir: temporaryFolder(t), logger })
  t.after(() => broker.close())
  const bootstrapServers = `${broker.host}:${broker.port}`
  const expected = new Map<string, ReadRecord[]>()
  for (const [index, properties] of codecs.entries()) expected.set(`codec-${index}`, await send(bootstrapServers, `codec-${index}`, properties))

  const lines = (await runJavaProgram('ReadTopics', [bootstrapServers, ...expected.keys()])).trim().split('\n')
  const read = lines.map((line) => JSON.parse(line) as ReadRecord)
  for (const [topic, records] of expected) {
    assert.deepEqual(
      read.filter((record) => record.topic === topic),
      records,
      topic,
    )
  }
})

/** Empty, tiny, random and repetitive values in batches of up to some hundred kilobytes; tombstones; headers. Gives what is to be read. */
async function send(bootstrapServers: string, topic: string, properties: Readonly<Record<string, string>>): Promise<ReadRecord[]> {
  const producer = new Producer({ 'bootstrap.servers': bootstrapServers, 'linger.ms': '50', 'batch.size': '300000', ...properties }, { logger })
  const values = [null, Buffer.alloc(0), Buffer.from('x'), randomBytes(70_000), Buffer.alloc(200_000, 'again and '), Buffer.from('日本')]
  const records: ReadRecord[] = []
  for (let offset = 0; offset < 60; offset++) {
    const value = values[offset % values.length]!
    const key = offset % 3 === 0 ? null : Buffer.from(`key ${offset}`)
    const headers =
      offset % 4 === 0
        ? [
            { key: 'ž', value: Buffer.from(`${offset}`) },
            { key: 'none', value: null },
          ]
        : []
    const timestamp = 1_700_000_000_000 + offset * 997
    producer.send(topic, 0, timestamp, key, value, headers, null)
    const base64 = (data: Buffer | null) => data?.toString('base64') ?? null
    records.push({ topic, offset, timestamp, key: base64(key), value: base64(value), headers: headers.map((header) => [header.key, base64(header.value)]) })
  }
  await producer.close()
  assert.equal(producer.metrics.recordsFailed, 0)
  return records
}
