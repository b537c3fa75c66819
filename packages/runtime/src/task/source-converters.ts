import { type Converter, type HeaderConverter, type MaybePromise, type SerializedData, type SourceRecord, withoutStackTrace } from '@millrace/api'
import type { Retries } from '../errors/retries.ts'
import { coordinatesOf, StageError } from '../errors/stage-error.ts'
import { type ConversionStep, convertStepByStep } from './convert-again.ts'

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

/** A task's own instances of its converters. */
export interface ConverterSet {
  readonly key: Converter
  readonly value: Converter
  readonly header: HeaderConverter
  /** Java's names of their classes. */
  readonly classNames: { readonly key: string; readonly value: string; readonly header: string }
}

/**
 * Turns records into messages: headers first, then key, then value, as the original does. Promises are awaited only where a converter returns
 * one, or is tried again. The message is one object that is used again for each record: it is valid until the next call.
 */
export class SourceConverters {
  readonly #converters: ConverterSet
  readonly #retries: Retries
  readonly #message: Message = { headers: null, key: null, value: null }

  constructor(converters: ConverterSet, retries: Retries) {
    this.#converters = converters
    this.#retries = retries
  }

  /** @throws StageError; StoppedError. */
  toMessage(record: SourceRecord): MaybePromise<Message> {
    const message = this.#message
    let headers: MaybePromise<readonly SerializedHeader[]> | null = null
    let key: MaybePromise<SerializedData> | undefined
    let value: MaybePromise<SerializedData>
    try {
      if (record.headers !== null && record.headers.size > 0) headers = this.#headers(record)
    } catch (error) {
      return this.#failed(error, record, [])
    }
    try {
      key = this.#key(record)
      value = this.#value(record)
    } catch (error) {
      return this.#failed(error, record, key === undefined ? [headers] : [headers, key])
    }
    if (headers instanceof Promise || key instanceof Promise || value instanceof Promise) return this.#slowly(record, [headers, key, value], [])
    message.headers = headers
    message.key = key
    message.value = value
    return message
  }

  /** As `toMessage`; errors that are thrown at once have no stack traces (`TraceBudget`). */
  toMessageWithoutTrace(record: SourceRecord): MaybePromise<Message> {
    return withoutStackTrace(() => this.toMessage(record))
  }

  #failed(error: unknown, record: SourceRecord, begun: readonly MaybePromise<unknown>[]): Promise<Message> {
    const isLast = !begun.some((result) => result instanceof Promise) && !this.#retries.handles(error)
    if (isLast) throw this.#stageError(error, record, begun.length)
    return this.#slowly(record, begun, [error])
  }

  /** Of the step with this number. */
  #stageError(cause: unknown, record: SourceRecord, step: number): StageError {
    const { key, value, header } = this.#converters.classNames
    const details = { record: coordinatesOf(record) }
    if (step === 0) return new StageError('HEADER_CONVERTER', header, cause, details)
    return step === 1 ? new StageError('KEY_CONVERTER', key, cause, details) : new StageError('VALUE_CONVERTER', value, cause, details)
  }

  async #slowly(record: SourceRecord, begun: readonly MaybePromise<unknown>[], failure: readonly unknown[]): Promise<Message> {
    const [headers, key, value] = await convertStepByStep(this.#steps(record), begun, failure, this.#retries)
    return { headers: headers as readonly SerializedHeader[] | null, key: key as SerializedData, value: value as SerializedData }
  }

  #steps(record: SourceRecord): readonly ConversionStep[] {
    const failed = (step: number) => (cause: unknown) => this.#stageError(cause, record, step)
    return [
      { convert: () => (record.headers === null ? null : this.#headers(record)), failed: failed(0) },
      { convert: () => this.#key(record), failed: failed(1) },
      { convert: () => this.#value(record), failed: failed(2) },
    ]
  }

  #key({ topic, keySchema, key, headers }: SourceRecord): MaybePromise<SerializedData> {
    return this.#converters.key.fromConnectData(topic, keySchema, key, headers)
  }

  #value({ topic, valueSchema, value, headers }: SourceRecord): MaybePromise<SerializedData> {
    return this.#converters.value.fromConnectData(topic, valueSchema, value, headers)
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
