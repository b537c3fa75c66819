import type { Headers } from './headers.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { Plugin, PluginContext, Properties } from './plugin.ts'
import type { Schema, SchemaAndValue } from './schema.ts'

/** Serialised bytes; null is Kafka's null (a tombstone as a value). A string stands for its UTF-8 bytes and is written straight into the producer's buffer. */
export type SerializedData = Uint8Array | string | null

/** Translates between values and bytes (`org.apache.kafka.connect.storage.Converter`). One instance per task and role, used on the task's thread. */
export interface Converter extends Plugin {
  /** Called once before use. `properties` has the prefix (`value.converter.`) removed and `converter.type` added. @throws ConfigError. */
  configure(properties: Properties, isKey: boolean, context: PluginContext): void
  /** @throws DataError where the value does not fit. */
  fromConnectData(topic: string, schema: Schema | null, value: unknown, headers: Headers | null): MaybePromise<SerializedData>
  /** `data` is a view that is valid until the next poll: copy what is kept. @throws DataError where the bytes do not fit. */
  toConnectData(topic: string, data: Buffer | null, headers: Headers | null): MaybePromise<SchemaAndValue>
  /**
   * As `toConnectData` for the bytes from `start` to `end` of `buffer`, without a view being made. Optional, for speed: both must give the same answer.
   */
  toConnectDataAt?(topic: string, buffer: Buffer, start: number, end: number, headers: Headers | null): MaybePromise<SchemaAndValue>
  close?(): MaybePromise<void>
}

/** Translates header values (`org.apache.kafka.connect.storage.HeaderConverter`). */
export interface HeaderConverter extends Plugin {
  /** As `Converter.configure`, with `converter.type=header`. */
  configureHeader(properties: Properties, context: PluginContext): void
  fromConnectHeader(topic: string, headerKey: string, schema: Schema | null, value: unknown): MaybePromise<SerializedData>
  toConnectHeader(topic: string, headerKey: string, data: Buffer | null): MaybePromise<SchemaAndValue>
  close?(): MaybePromise<void>
}
