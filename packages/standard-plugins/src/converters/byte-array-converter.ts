import {
  type ConfigDef,
  type Converter,
  DataError,
  type HeaderConverter,
  javaClassOfValue,
  type PluginContext,
  type Properties,
  type Schema,
  type SchemaAndValue,
  Schemas,
  type SerializedData,
} from '@millrace/api'
import { converterConfig } from './converter-config.ts'

/**
 * Bytes as they are (`org.apache.kafka.connect.converters.ByteArrayConverter`). What is read is a view of the fetched batch; it is valid until the next poll.
 */
export class ByteArrayConverter implements Converter, HeaderConverter {
  config(): ConfigDef {
    return converterConfig
  }

  // Nothing to configure; not even `converter.type` is checked, as in the original.
  configure(_properties?: Properties, _isKey?: boolean, _context?: PluginContext): void {}
  configureHeader(_properties?: Properties, _context?: PluginContext): void {}

  fromConnectData(_topic: string, schema: Schema | null, value: unknown): SerializedData {
    if (schema !== null && schema.type !== 'BYTES') throw new DataError(`Invalid schema type for ByteArrayConverter: ${schema.type}`)
    if (value === null || value === undefined) return null
    if (value instanceof Uint8Array) return value
    throw new DataError(`ByteArrayConverter is not compatible with objects of type class ${javaClassOfValue(value)}`)
  }

  toConnectData(_topic: string, data: Buffer | null): SchemaAndValue {
    return { schema: Schemas.OPTIONAL_BYTES, value: data }
  }

  toConnectDataAt(_topic: string, buffer: Buffer, start: number, end: number): SchemaAndValue {
    return { schema: Schemas.OPTIONAL_BYTES, value: buffer.subarray(start, end) }
  }

  fromConnectHeader(topic: string, _headerKey: string, schema: Schema | null, value: unknown): SerializedData {
    return this.fromConnectData(topic, schema, value)
  }

  toConnectHeader(topic: string, _headerKey: string, data: Buffer | null): SchemaAndValue {
    return this.toConnectData(topic, data)
  }
}
