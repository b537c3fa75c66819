import { type Converter, Headers, type MaybePromise, type SchemaAndValue, type SinkRecord } from '@millrace/api'
import { stageError } from '../errors/tolerance.ts'
import type { FetchedPartition } from './sink-consumer.ts'
import type { ConverterSet } from './source-converters.ts'

/**
 * Turns messages into records: key first, then value, then headers, as the original does. Promises are awaited only where a converter returns
 * one. Converters that read in place (`toConnectDataAt`) are spared a view per key and value.
 */
export class SinkConverters {
  readonly #converters: ConverterSet

  constructor(converters: ConverterSet) {
    this.#converters = converters
  }

  /** The record that `cursor` stands at. @throws the error of the stage, worded as in the original. */
  toRecord(cursor: FetchedPartition): MaybePromise<SinkRecord> {
    try {
      const { topic, buffer } = cursor
      const raw = rawHeaders(cursor)
      const key = read(this.#converters.key, topic, buffer, cursor.keyStart, cursor.keyEnd, raw)
      const value = read(this.#converters.value, topic, buffer, cursor.valueStart, cursor.valueEnd, raw)
      const headers = raw === null ? null : this.#headers(topic, raw)
      if (key instanceof Promise || value instanceof Promise || headers instanceof Promise) return slowly(coordinatesOf(cursor), key, value, headers)
      return record(cursor, key, value, headers)
    } catch (error) {
      throw stageError(error)
    }
  }

  #headers(topic: string, raw: Headers): MaybePromise<Headers> {
    const keys: string[] = []
    const values: MaybePromise<SchemaAndValue>[] = []
    for (const { key, value } of raw) {
      keys.push(key)
      values.push(this.#converters.header.toConnectHeader(topic, key, value as Buffer | null))
    }
    const collect = (settled: readonly SchemaAndValue[]) => new Headers(settled.map(({ schema, value }, index) => ({ key: keys[index]!, schema, value })))
    return values.some((value) => value instanceof Promise) ? Promise.all(values).then(collect) : collect(values as SchemaAndValue[])
  }
}

/** What a record takes over from the message. */
type Coordinates = Pick<FetchedPartition, 'topic' | 'partition' | 'offset' | 'timestamp' | 'timestampType'>

function record(cursor: Coordinates, key: SchemaAndValue, value: SchemaAndValue, headers: Headers | null): SinkRecord {
  const { topic, partition, offset, timestamp } = cursor
  return {
    topic,
    kafkaPartition: partition,
    keySchema: key.schema,
    key: key.value,
    valueSchema: value.schema,
    value: value.value,
    timestamp: timestamp === -1 ? null : timestamp,
    headers,
    kafkaOffset: offset,
    timestampType: cursor.timestampType,
    originalTopic: topic,
    originalKafkaPartition: partition,
    originalKafkaOffset: offset,
  }
}

async function slowly(
  coordinates: Coordinates,
  key: MaybePromise<SchemaAndValue>,
  value: MaybePromise<SchemaAndValue>,
  headers: MaybePromise<Headers> | null,
): Promise<SinkRecord> {
  try {
    const [settledKey, settledValue, settledHeaders] = await Promise.all([key, value, headers])
    return record(coordinates, settledKey, settledValue, settledHeaders)
  } catch (error) {
    throw stageError(error)
  }
}

function coordinatesOf({ topic, partition, offset, timestamp, timestampType }: FetchedPartition): Coordinates {
  return { topic, partition, offset, timestamp, timestampType }
}

function read(converter: Converter, topic: string, buffer: Buffer, start: number, end: number, headers: Headers | null): MaybePromise<SchemaAndValue> {
  if (start === -1) return converter.toConnectData(topic, null, headers)
  if (converter.toConnectDataAt) return converter.toConnectDataAt(topic, buffer, start, end, headers)
  return converter.toConnectData(topic, buffer.subarray(start, end), headers)
}

/** Headers with their bytes as values, as key and value converters are given them; null where there are none. */
function rawHeaders(cursor: FetchedPartition): Headers | null {
  const headers = cursor.headers()
  return headers === null || headers.length === 0 ? null : new Headers(headers.map(({ key, value }) => ({ key, schema: null, value })))
}
