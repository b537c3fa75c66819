import { join } from 'node:path'
import { Admin, Consumer, Producer, silentLogger } from '@millrace/kafka'
import { ConnectClient } from '@millrace/rest-api'
import { waitFor } from '@millrace/testing'

/*
 * Bad records of many kinds, each read by a sink connector that cannot make anything of it. What its dead-letter topic holds afterwards is compared with what
 * Apache Kafka Connect 4.3.1 puts there.
 */

export interface BadRecord {
  readonly key?: string | null
  /** Text, or bytes in hexadecimal digits after `hex:`. */
  readonly value: string | null
  readonly headers?: readonly (readonly [name: string, value: string | null])[]
  readonly timestamp?: number
}

export interface Scenario {
  readonly name: string
  /** Of the connector; others are the same for all. */
  readonly config: Readonly<Record<string, string>>
  readonly records: readonly BadRecord[]
}

export interface DeadLetter {
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
  readonly headers: readonly (readonly [name: string, value: string | null])[]
}

const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter'
const LONG_CONVERTER = 'org.apache.kafka.connect.converters.LongConverter'
const STRING_CONVERTER = 'org.apache.kafka.connect.storage.StringConverter'
const TRANSFORMS = 'org.apache.kafka.connect.transforms'
const schemaless = { 'value.converter': JSON_CONVERTER, 'value.converter.schemas.enable': 'false' }

export const scenarios: readonly Scenario[] = [
  {
    name: 'json',
    config: schemaless,
    records: [
      { value: '{"a":1' },
      { value: 'not json', key: 'k', timestamp: 1_700_000_000_123 },
      { value: '{"a":1}' },
      {
        value: '{"a":01}',
        headers: [
          ['h', '1'],
          ['h', '2'],
          ['none', null],
        ],
      },
      { value: 'hex:c328' },
      { value: null },
      { value: '[1,2' },
    ],
  },
  {
    name: 'envelope',
    config: { 'value.converter': JSON_CONVERTER, 'value.converter.schemas.enable': 'true' },
    records: [
      { value: '{"a":1}' },
      { value: '{"schema":{"type":"int32","optional":false},"payload":null}' },
      { value: '{"schema":{"type":"odd"},"payload":1}' },
      { value: '{"schema":{"type":"int32"},"payload":7}' },
      { value: '{"schema":{"type":"struct","fields":[{"field":"a","type":"int32"}]},"payload":{}}' },
      { value: '[]' },
    ],
  },
  {
    name: 'long',
    config: { 'value.converter': LONG_CONVERTER },
    records: [{ value: 'hex:0102' }, { value: 'hex:0000000000000001' }, { value: 'text that is long' }],
  },
  {
    name: 'keys',
    config: { 'key.converter': LONG_CONVERTER, 'value.converter': LONG_CONVERTER },
    records: [
      { key: 'abc', value: 'hex:0000000000000001' },
      { key: 'abc', value: 'abc' },
    ],
  },
  {
    name: 'transform',
    config: {
      ...schemaless,
      transforms: 'mask,time',
      'transforms.mask.type': `${TRANSFORMS}.MaskField$Value`,
      'transforms.mask.fields': 'secret',
      'transforms.time.type': `${TRANSFORMS}.TimestampConverter$Value`,
      'transforms.time.field': 'at',
      'transforms.time.target.type': 'Timestamp',
      'transforms.time.format': 'yyyy-MM-dd',
    },
    records: [{ value: '"text"' }, { value: '{"secret":"s","at":"2024-01-02"}' }, { value: '{"at":"soon"}' }, { value: '{"at":true}' }, { value: null }],
  },
  {
    name: 'headers',
    config: { 'value.converter': STRING_CONVERTER, 'header.converter': LONG_CONVERTER },
    records: [{ value: 'a', headers: [['n', 'x']] }, { value: 'b', headers: [['n', null]] }, { value: 'c' }],
  },
]

/** Runs all scenarios on a worker and gives the dead letters of each, in order. */
export async function deadLettersOf(url: string, bootstrapServers: string, folder: string): Promise<Readonly<Record<string, readonly DeadLetter[]>>> {
  const client = new ConnectClient(url, { requestTimeoutMs: 60_000 })
  const topics = scenarios.map(({ name }) => name)
  await createTopics(bootstrapServers, topics)
  await produce(bootstrapServers)
  for (const { name, config } of scenarios) {
    await client.createConnector({
      name,
      config: {
        'connector.class': 'FileStreamSink',
        file: join(folder, `${name}.txt`),
        topics: name,
        'errors.tolerance': 'all',
        'errors.deadletterqueue.topic.name': `dead-${name}`,
        'errors.deadletterqueue.topic.replication.factor': '1',
        'errors.deadletterqueue.context.headers.enable': 'true',
        ...config,
      },
    })
  }
  const results: Record<string, readonly DeadLetter[]> = {}
  for (const { name, records } of scenarios) {
    const lags = async () => await committedOf(bootstrapServers, `connect-${name}`, name)
    await waitFor(async () => (await lags()) === records.length, { what: `all records of "${name}" to be committed`, deadlineMs: 60_000 })
    results[name] = await lettersOf(bootstrapServers, `dead-${name}`)
  }
  return results
}

/** Without what no two implementations have in common: traces, and the parser's own words. */
export function comparableLetters(letters: readonly DeadLetter[]): readonly DeadLetter[] {
  return letters.map((letter) => ({
    ...letter,
    timestamp: letter.timestamp === 1_700_000_000_123 ? letter.timestamp : 0,
    headers: letter.headers.map(([name, value]) => {
      if (name === '__connect.errors.exception.stacktrace') return [name, value === null ? null : firstLine(value)] as const
      return [name, value] as const
    }),
  }))
}

function firstLine(trace: string): string {
  return trace.split(/[:\n]/)[0] ?? ''
}

async function createTopics(bootstrapServers: string, topics: readonly string[]): Promise<void> {
  const admin = new Admin({ 'bootstrap.servers': bootstrapServers }, { logger: silentLogger })
  try {
    await admin.createTopics(topics.map((name) => ({ name, partitions: 1, replicationFactor: 1 })))
  } finally {
    await admin.close()
  }
}

async function produce(bootstrapServers: string): Promise<void> {
  const producer = new Producer({ 'bootstrap.servers': bootstrapServers }, { logger: silentLogger })
  try {
    for (const { name, records } of scenarios) {
      for (const { key = null, value, headers = [], timestamp } of records) {
        const sent = Promise.withResolvers<void>()
        const raw = headers.map(([header, text]) => ({ key: header, value: text === null ? null : Buffer.from(text) }))
        const completion = { acknowledged: () => sent.resolve(), failed: (error: Error) => sent.reject(error) }
        producer.send(name, 0, timestamp ?? Date.now(), key === null ? null : Buffer.from(key), bytesOf(value), raw.length === 0 ? null : raw, completion)
        await sent.promise
      }
    }
  } finally {
    await producer.close({ timeoutMs: 10_000 })
  }
}

function bytesOf(value: string | null): Buffer | null {
  if (value === null) return null
  return value.startsWith('hex:') ? Buffer.from(value.slice(4), 'hex') : Buffer.from(value)
}

async function committedOf(bootstrapServers: string, group: string, topic: string): Promise<number> {
  const admin = new Admin({ 'bootstrap.servers': bootstrapServers }, { logger: silentLogger })
  try {
    const offsets = await admin.listConsumerGroupOffsets(group)
    return offsets.find((offset) => offset.topic === topic)?.offset ?? 0
  } finally {
    await admin.close()
  }
}

async function lettersOf(bootstrapServers: string, topic: string): Promise<readonly DeadLetter[]> {
  const consumer = new Consumer({ 'bootstrap.servers': bootstrapServers, 'enable.auto.commit': 'false' }, { logger: silentLogger })
  try {
    const partition = { topic, partition: 0 }
    consumer.assign([partition])
    consumer.seek({ ...partition, offset: 0 })
    const end = (await consumer.endOffsets([partition]))[0]?.offset ?? 0
    const letters: DeadLetter[] = []
    while (letters.length < end) {
      for (const records of (await consumer.poll(1000)).partitions) {
        while (records.next()) {
          const text = (from: number, to: number) => (from === -1 ? null : records.buffer.latin1Slice(from, to))
          letters.push({
            key: text(records.keyStart, records.keyEnd),
            value: text(records.valueStart, records.valueEnd),
            timestamp: records.timestamp,
            headers: (records.headers() ?? []).map(({ key, value }) => [key, value === null ? null : value.toString()]),
          })
        }
      }
    }
    return letters
  } finally {
    await consumer.close({ timeoutMs: 5000 })
  }
}
