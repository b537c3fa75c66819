import { type Converter, Headers, type MaybePromise, type SchemaAndValue, type SinkRecord, withoutStackTrace } from '@millrace/api'
import type { Retries } from '../errors/retries.ts'
import { type StageDetails, StageError } from '../errors/stage-error.ts'
import { type ConversionStep, convertStepByStep } from './convert-again.ts'
import type { FetchedPartition } from './sink-consumer.ts'
import type { ConverterSet } from './source-converters.ts'

/**
 * Turns messages into records: key first, then value, then headers, as the original does. Promises are awaited only where a converter returns
 * one, or is tried again. Converters that read in place (`toConnectDataAt`) are spared a view per key and value.
 */
export class SinkConverters {
  readonly #converters: ConverterSet
  readonly #retries: Retries

  constructor(converters: ConverterSet, retries: Retries) {
    this.#converters = converters
    this.#retries = retries
  }

  /** The record that `cursor` stands at, which has to stay there until a promise is settled. @throws StageError; StoppedError. */
  toRecord(cursor: FetchedPartition): MaybePromise<SinkRecord> {
    const raw = rawHeaders(cursor)
    let key: MaybePromise<SchemaAndValue>
    let value: MaybePromise<SchemaAndValue> | null = null
    let headers: MaybePromise<Headers> | null = null
    try {
      key = this.#key(cursor, raw)
    } catch (error) {
      return this.#failed(error, cursor, raw, [])
    }
    try {
      value = this.#value(cursor, raw)
      if (raw !== null) headers = this.#headers(cursor.topic, raw)
    } catch (error) {
      return this.#failed(error, cursor, raw, value === null ? [key] : [key, value])
    }
    if (key instanceof Promise || value instanceof Promise || headers instanceof Promise) return this.#slowly(cursor, raw, [key, value, headers], [])
    return record(cursor, key, value, headers)
  }

  /** As `toRecord`; errors that are thrown at once have no stack traces (`TraceBudget`). */
  toRecordWithoutTrace(cursor: FetchedPartition): MaybePromise<SinkRecord> {
    return withoutStackTrace(() => this.toRecord(cursor))
  }

  #failed(error: unknown, cursor: FetchedPartition, raw: Headers | null, begun: readonly MaybePromise<unknown>[]): Promise<SinkRecord> {
    const isLast = !begun.some((result) => result instanceof Promise) && !this.#retries.handles(error)
    if (isLast) throw this.#stageError(error, cursor, begun.length)
    return this.#slowly(cursor, raw, begun, [error])
  }

  /** Of the step with this number. There may be very many of them: nothing is made but what is asked for. */
  #stageError(cause: unknown, cursor: FetchedPartition, step: number): StageError {
    const { key, value, header } = this.#converters.classNames
    if (step === 0) return new StageError('KEY_CONVERTER', key, cause, detailsOf(cursor, cursor.keyStart, cursor.keyEnd))
    if (step === 1) return new StageError('VALUE_CONVERTER', value, cause, detailsOf(cursor, cursor.valueStart, cursor.valueEnd))
    return new StageError('HEADER_CONVERTER', header, cause, detailsOf(cursor, -1, -1))
  }

  async #slowly(cursor: FetchedPartition, raw: Headers | null, begun: readonly MaybePromise<unknown>[], failure: readonly unknown[]): Promise<SinkRecord> {
    const [key, value, headers] = await convertStepByStep(this.#steps(cursor, raw), begun, failure, this.#retries)
    return record(cursor, key as SchemaAndValue, value as SchemaAndValue, headers as Headers | null)
  }

  #steps(cursor: FetchedPartition, raw: Headers | null): readonly ConversionStep[] {
    const failed = (step: number) => (cause: unknown) => this.#stageError(cause, cursor, step)
    return [
      { convert: () => this.#key(cursor, raw), failed: failed(0) },
      { convert: () => this.#value(cursor, raw), failed: failed(1) },
      { convert: () => (raw === null ? null : this.#headers(cursor.topic, raw)), failed: failed(2) },
    ]
  }

  #key(cursor: FetchedPartition, headers: Headers | null): MaybePromise<SchemaAndValue> {
    return read(this.#converters.key, cursor, cursor.keyStart, cursor.keyEnd, headers)
  }

  #value(cursor: FetchedPartition, headers: Headers | null): MaybePromise<SchemaAndValue> {
    return read(this.#converters.value, cursor, cursor.valueStart, cursor.valueEnd, headers)
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

function read(converter: Converter, { topic, buffer }: FetchedPartition, start: number, end: number, headers: Headers | null): MaybePromise<SchemaAndValue> {
  if (start === -1) return converter.toConnectData(topic, null, headers)
  if (converter.toConnectDataAt) return converter.toConnectDataAt(topic, buffer, start, end, headers)
  return converter.toConnectData(topic, buffer.subarray(start, end), headers)
}

function detailsOf({ topic, partition, offset, buffer }: FetchedPartition, start: number, end: number): StageDetails {
  return { record: { topic, partition, offset }, ...(start === -1 ? {} : { bytes: buffer.subarray(start, end) }) }
}

function record(cursor: FetchedPartition, key: SchemaAndValue, value: SchemaAndValue, headers: Headers | null): SinkRecord {
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

/** Headers with their bytes as values, as key and value converters are given them; null where there are none. */
function rawHeaders(cursor: FetchedPartition): Headers | null {
  const headers = cursor.headers()
  return headers === null || headers.length === 0 ? null : new Headers(headers.map(({ key, value }) => ({ key, schema: null, value })))
}
