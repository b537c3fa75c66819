import type { Converter, HeaderConverter, MaybePromise, SerializedData, SourceRecord } from '@millrace/api'
import { stageError } from '../errors/tolerance.ts'

/** A header in bytes. */
export interface SerializedHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

/** What a source task hands to its producer. */
export interface Message {
  headers: readonly SerializedHeader[] | null
  key: SerializedData
  value: SerializedData
}

export interface ConverterSet {
  readonly key: Converter
  readonly value: Converter
  readonly header: HeaderConverter
}

/**
 * Turns records into messages: headers first, then key, then value, as the original does. Promises are awaited only where a converter returns
 * one. The message is one object that is used again for each record: it is valid until the next call.
 */
export class SourceConverters {
  readonly #converters: ConverterSet
  readonly #message: Message = { headers: null, key: null, value: null }

  constructor(converters: ConverterSet) {
    this.#converters = converters
  }

  /** @throws the error of the stage, worded as in the original. */
  toMessage(record: SourceRecord): MaybePromise<Message> {
    const message = this.#message
    const { topic, headers } = record
    try {
      if (headers !== null && headers.size > 0) {
        const serialized = this.#headers(record)
        if (serialized instanceof Promise) return this.#slowly(record, serialized)
        message.headers = serialized
      } else message.headers = null
      const key = this.#converters.key.fromConnectData(topic, record.keySchema, record.key, headers)
      if (key instanceof Promise) return this.#slowly(record, message.headers, key)
      const value = this.#converters.value.fromConnectData(topic, record.valueSchema, record.value, headers)
      if (value instanceof Promise) return this.#slowly(record, message.headers, key, value)
      message.key = key
      message.value = value
      return message
    } catch (error) {
      throw stageError(error)
    }
  }

  #headers({ topic, headers }: SourceRecord): MaybePromise<SerializedHeader[]> {
    const keys: string[] = []
    const values: MaybePromise<SerializedData>[] = []
    for (const { key, schema, value } of headers ?? []) {
      keys.push(key)
      values.push(this.#converters.header.fromConnectHeader(topic, key, schema, value))
    }
    const pair = (settled: readonly SerializedData[]) => settled.map((value, index) => ({ key: keys[index]!, value: bytesOf(value) }))
    return values.some((value) => value instanceof Promise) ? Promise.all(values).then(pair) : pair(values as SerializedData[])
  }

  /** The same with waiting; what was begun already is handed in. */
  async #slowly(
    record: SourceRecord,
    headers: MaybePromise<readonly SerializedHeader[] | null>,
    key?: MaybePromise<SerializedData>,
    value?: MaybePromise<SerializedData>,
  ): Promise<Message> {
    try {
      const { key: keyConverter, value: valueConverter } = this.#converters
      return {
        headers: await headers,
        key: await (key === undefined ? keyConverter.fromConnectData(record.topic, record.keySchema, record.key, record.headers) : key),
        value: await (value === undefined ? valueConverter.fromConnectData(record.topic, record.valueSchema, record.value, record.headers) : value),
      }
    } catch (error) {
      throw stageError(error)
    }
  }
}

function bytesOf(data: SerializedData): Uint8Array | null {
  return typeof data === 'string' ? Buffer.from(data) : data
}

/** The timestamp of a message: the record's, or now where it has none. @throws where it is negative; -1 means none. */
export function timestampOf({ timestamp }: SourceRecord, nowMs: number): number {
  if (timestamp === null || timestamp === -1) return nowMs
  if (timestamp < 0) throw new InvalidTimestampError(`Invalid record timestamp ${timestamp}`)
  return timestamp
}

class InvalidTimestampError extends Error {
  override readonly name = 'InvalidTimestampError'
  readonly code = 'INVALID_TIMESTAMP'
  readonly javaClass = 'org.apache.kafka.common.InvalidRecordException'
}
