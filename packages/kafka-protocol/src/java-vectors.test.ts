import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type ConsumerAssignment, type ConsumerSubscription, consumerProtocol, type TopicPartitions } from './consumer-protocol.ts'
import { crc32c } from './crc32c.test-data.ts'
import { murmur2, toPositive } from './murmur2.ts'
import { Reader } from './reader.ts'
import { RecordBatchBuilder, type RecordBatchView, readBatches, type TimestampType } from './record-batch.ts'
import { decodeRecords } from './record-cursor.ts'
import { Writer } from './writer.ts'

/* Random values and their bytes, by the Java client of Apache Kafka 4.3.1: `node tests/tools/java/make-vectors.ts`. */

type Named = readonly [topic: string, partition: number]

interface Primitives {
  readonly murmur2: readonly (readonly [key: string, hash: number, partitions: number, partition: number])[]
  readonly unsignedVarint: readonly (readonly [number, string])[]
  readonly varint: readonly (readonly [number, string])[]
  readonly varlong: readonly (readonly [number, string])[]
  readonly subscriptions: readonly (Omit<ConsumerSubscription, 'userData' | 'ownedPartitions'> & {
    readonly version: number
    readonly userData: string | null
    readonly ownedPartitions: readonly Named[]
    readonly bytes: string
  })[]
  readonly assignments: readonly {
    readonly version: number
    readonly userData: string | null
    readonly assignedPartitions: readonly Named[]
    readonly bytes: string
  }[]
}

interface StoredRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
}

interface StoredBatch {
  readonly codec: string
  readonly timestampType: TimestampType
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly partitionLeaderEpoch: number
  readonly records: readonly StoredRecord[]
  readonly bytes: string
}

function stored<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}.json`, import.meta.url), 'utf8')) as T
}

const primitives = stored<Primitives>('primitives')
const batches = stored<readonly StoredBatch[]>('record-batches').filter(({ codec }) => codec === 'none')

function written(write: (writer: Writer) => void): string {
  const writer = new Writer()
  write(writer)
  return writer.result().toString('hex')
}

const reader = (hex: string) => new Reader(Buffer.from(hex, 'hex'))
const base64 = (data: string | null) => (data === null ? null : Buffer.from(data, 'base64'))
const fromHex = (data: string | null) => (data === null ? null : Buffer.from(data, 'hex'))

test('keys have the hashes, and choose the partitions, of the Java client', () => {
  for (const [key, hash, partitions, partition] of primitives.murmur2) {
    const bytes = Buffer.from(key, 'hex')
    assert.equal(murmur2(bytes), hash, key)
    assert.equal(toPositive(murmur2(bytes)) % partitions, partition, key)
  }
})

test('numbers of variable length have the bytes of the Java client in both directions', () => {
  for (const [value, bytes] of primitives.unsignedVarint) {
    assert.equal(
      written((writer) => writer.uvarint(value)),
      bytes,
    )
    assert.equal(reader(bytes).uvarint(), value)
  }
  for (const [value, bytes] of primitives.varint) {
    assert.equal(
      written((writer) => writer.varint(value)),
      bytes,
    )
    assert.equal(reader(bytes).varint(), value)
  }
  for (const [value, bytes] of primitives.varlong) {
    assert.equal(
      written((writer) => writer.varlong(value)),
      bytes,
      String(value),
    )
    assert.equal(reader(bytes).varlong(), value)
  }
})

/** As the contract has it: the partitions of each topic together, topics in the order of their first appearance. */
function byTopic(partitions: readonly Named[]): TopicPartitions[] {
  const topics = new Map<string, number[]>()
  for (const [topic, partition] of partitions) topics.set(topic, [...(topics.get(topic) ?? []), partition])
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}

test('random subscriptions have the bytes of the Java client, and its bytes are read as what they were', () => {
  for (const { version, bytes, userData, ownedPartitions, ...rest } of primitives.subscriptions) {
    const subscription: ConsumerSubscription = { ...rest, userData: fromHex(userData), ownedPartitions: byTopic(ownedPartitions) }
    assert.equal(consumerProtocol.encodeSubscription(subscription, version).toString('hex'), bytes)
    const read = consumerProtocol.decodeSubscription(Buffer.from(bytes, 'hex'))
    assert.deepEqual(read.topics, [...rest.topics].sort())
    assert.deepEqual(read.userData, subscription.userData)
    if (version >= 1) assert.equal(read.ownedPartitions.flatMap(({ partitions }) => partitions).length, ownedPartitions.length)
    if (version >= 2) assert.equal(read.generationId, rest.generationId)
    if (version >= 3) assert.equal(read.rackId, rest.rackId)
    assert.equal(consumerProtocol.encodeSubscription(read, version).toString('hex'), bytes)
  }
})

test('random assignments have the bytes of the Java client, and its bytes are read as what they were', () => {
  for (const { version, bytes, userData, assignedPartitions } of primitives.assignments) {
    const assignment: ConsumerAssignment = { userData: fromHex(userData), assignedPartitions: byTopic(assignedPartitions) }
    const read = consumerProtocol.decodeAssignment(Buffer.from(bytes, 'hex'))
    assert.deepEqual(
      { ...read, assignedPartitions: sorted(read.assignedPartitions) },
      { version, ...assignment, assignedPartitions: sorted(assignment.assignedPartitions) },
    )
    // The Java client has its topics in the order of a hash table; what was read keeps that order.
    assert.equal(consumerProtocol.encodeAssignment(read, version).toString('hex'), bytes)
  }
})

function sorted(partitions: readonly TopicPartitions[]): readonly TopicPartitions[] {
  return partitions.toSorted((a, b) => (a.topic < b.topic ? -1 : 1))
}

function rowsOf(batch: RecordBatchView): StoredRecord[] {
  const cursor = decodeRecords(batch)
  const rows: StoredRecord[] = []
  const text = (data: Uint8Array | null) => (data === null ? null : Buffer.from(data).toString('base64'))
  while (cursor.next()) {
    const headers = cursor.headers().map(({ key, value }) => [key, text(value)] as const)
    rows.push({ offset: cursor.offset, timestamp: cursor.timestamp, key: text(cursor.key()), value: text(cursor.value()), headers })
  }
  return rows
}

test('random batches of the Java client are read as it reads them itself', () => {
  for (const { bytes, codec: _, records, ...header } of batches) {
    const [batch] = readBatches(Buffer.from(bytes, 'base64'))
    assert.ok(batch)
    assert.ok(batch.isValid(crc32c))
    for (const [name, value] of Object.entries(header)) assert.equal(batch[name as keyof typeof header], value, name)
    assert.deepEqual(rowsOf(batch), records)
  }
})

test('random batches have the bytes that the Java client makes of the same records', () => {
  // A reader is told the time of appending in place of those that such a batch was made with.
  for (const { bytes, records, codec: _, ...header } of batches.filter(({ timestampType }) => timestampType === 'CreateTime')) {
    const builder = new RecordBatchBuilder(crc32c)
    for (const { timestamp, key, value, headers } of records) {
      builder.append(
        timestamp,
        base64(key),
        base64(value),
        headers.map(([name, data]) => ({ key: name, value: base64(data) })),
      )
    }
    assert.equal(builder.close(header).toString('base64'), bytes)
  }
})
