import {
  type ConfigDef,
  type Converter,
  type HeaderConverter,
  type Headers,
  javaStringOf,
  type PluginContext,
  type Properties,
  type Schema,
  type SchemaAndValue,
  Schemas,
  type SerializedData,
} from '@millrace/api'
import { converterConfig, withConverterType } from './converter-config.ts'
import { type StringEncoding, stringEncoding } from './string-encoding.ts'

export const stringConverterConfig = converterConfig.define('converter.encoding', {
  type: 'STRING',
  default: 'UTF-8',
  importance: 'HIGH',
  documentation: 'The name of the Java character set to use for encoding strings as byte arrays.',
  width: 'MEDIUM',
  displayName: 'Encoding',
})

const nullString: SchemaAndValue = { schema: Schemas.OPTIONAL_STRING, value: null }

/**
 * Text as bytes (`org.apache.kafka.connect.storage.StringConverter`). Every value can be written, in the form of Java's `toString`;
 * what is read is an optional string. Bytes that are no text in the encoding are read as U+FFFD.
 */
export class StringConverter implements Converter, HeaderConverter {
  #encoding: StringEncoding = stringEncoding('UTF-8')
  #isUtf8 = true

  config(): ConfigDef {
    return stringConverterConfig
  }

  configure(properties: Properties, isKey: boolean, _context?: PluginContext): void {
    this.#configure(withConverterType(properties, isKey))
  }

  configureHeader(properties: Properties, _context?: PluginContext): void {
    this.#configure({ ...properties, 'converter.type': 'header' })
  }

  #configure(properties: Properties): void {
    this.#encoding = stringEncoding(stringConverterConfig.parse(properties)['converter.encoding'])
    this.#isUtf8 = this.#encoding === stringEncoding('UTF-8')
  }

  fromConnectData(_topic: string, schema: Schema | null, value: unknown): SerializedData {
    if (value === null || value === undefined) return null
    return this.#encoding.encode(typeof value === 'string' ? value : javaStringOf(value, schema))
  }

  toConnectData(_topic: string, data: Buffer | null): SchemaAndValue {
    return data === null ? nullString : this.#decode(data, 0, data.length)
  }

  toConnectDataAt(_topic: string, buffer: Buffer, start: number, end: number, _headers: Headers | null): SchemaAndValue {
    return this.#decode(buffer, start, end)
  }

  // UTF-8 without a call through the table: Node's own decoder is as fast as a copy where the text is ASCII.
  #decode(buffer: Buffer, start: number, end: number): SchemaAndValue {
    const value = this.#isUtf8 ? buffer.utf8Slice(start, end) : this.#encoding.decode(buffer, start, end)
    return { schema: Schemas.OPTIONAL_STRING, value }
  }

  fromConnectHeader(topic: string, _headerKey: string, schema: Schema | null, value: unknown): SerializedData {
    return this.fromConnectData(topic, schema, value)
  }

  toConnectHeader(topic: string, _headerKey: string, data: Buffer | null): SchemaAndValue {
    return this.toConnectData(topic, data)
  }
}
