import {
  type ConfigDef,
  type Converter,
  DataError,
  Float64,
  type HeaderConverter,
  int64Of,
  isInt64,
  javaClassOfValue,
  type PluginContext,
  type Properties,
  type Schema,
  type SchemaAndValue,
  Schemas,
  type SerializedData,
} from '@millrace/api'
import { converterConfig, withConverterType } from './converter-config.ts'

/** How one type of fixed width looks as bytes, most significant byte first. */
interface PrimitiveFormat {
  /** For messages. */
  readonly typeName: string
  readonly schema: Schema
  readonly byteLength: number
  /** What the original's message calls the reader of a wrong length. */
  readonly deserializer: string
  /** Writes `value`, or returns false where it is not of the type. */
  write(bytes: Buffer, value: unknown): boolean
  read(buffer: Buffer, start: number): unknown
}

/** What the converters of numbers and booleans share. */
class PrimitiveConverter implements Converter, HeaderConverter {
  readonly #format: PrimitiveFormat

  constructor(format: PrimitiveFormat) {
    this.#format = format
  }

  config(): ConfigDef {
    return converterConfig
  }

  configure(properties: Properties, isKey: boolean, _context?: PluginContext): void {
    converterConfig.parse(withConverterType(properties, isKey))
  }

  configureHeader(properties: Properties, _context?: PluginContext): void {
    converterConfig.parse({ ...properties, 'converter.type': 'header' })
  }

  fromConnectData(_topic: string, _schema: Schema | null, value: unknown): SerializedData {
    if (value === null || value === undefined) return null
    const bytes = Buffer.allocUnsafe(this.#format.byteLength)
    if (this.#format.write(bytes, value)) return bytes
    throw new DataError(`Failed to serialize to ${this.#format.typeName} (was class ${javaClassOfValue(value)}): `)
  }

  toConnectData(topic: string, data: Buffer | null): SchemaAndValue {
    return data === null ? { schema: this.#format.schema, value: null } : this.toConnectDataAt(topic, data, 0, data.length)
  }

  toConnectDataAt(_topic: string, buffer: Buffer, start: number, end: number): SchemaAndValue {
    const { typeName, schema, byteLength, deserializer } = this.#format
    if (end - start !== byteLength) {
      const cause = new DataError(`Size of data received by ${deserializer} is not ${byteLength}`)
      throw new DataError(`Failed to deserialize ${typeName}: `, { cause })
    }
    return { schema, value: this.#format.read(buffer, start) }
  }

  fromConnectHeader(topic: string, _headerKey: string, schema: Schema | null, value: unknown): SerializedData {
    return this.fromConnectData(topic, schema, value)
  }

  toConnectHeader(topic: string, _headerKey: string, data: Buffer | null): SchemaAndValue {
    return this.toConnectData(topic, data)
  }
}

/** `org.apache.kafka.connect.converters.ShortConverter`: 2 bytes. */
export class ShortConverter extends PrimitiveConverter {
  constructor() {
    super({
      typeName: 'short',
      schema: Schemas.OPTIONAL_INT16,
      byteLength: 2,
      deserializer: 'ShortDeserializer',
      write: (bytes, value) => isIntegerOf(value, 0x8000) && bytes.writeInt16BE(value) > 0,
      read: (buffer, start) => buffer.readInt16BE(start),
    })
  }
}

/** `org.apache.kafka.connect.converters.IntegerConverter`: 4 bytes. */
export class IntegerConverter extends PrimitiveConverter {
  constructor() {
    super({
      typeName: 'integer',
      schema: Schemas.OPTIONAL_INT32,
      byteLength: 4,
      deserializer: 'IntegerDeserializer',
      write: (bytes, value) => isIntegerOf(value, 0x80000000) && bytes.writeInt32BE(value) > 0,
      read: (buffer, start) => buffer.readInt32BE(start),
    })
  }
}

/** `org.apache.kafka.connect.converters.LongConverter`: 8 bytes. */
export class LongConverter extends PrimitiveConverter {
  constructor() {
    super({
      typeName: 'long',
      schema: Schemas.OPTIONAL_INT64,
      byteLength: 8,
      deserializer: 'LongDeserializer',
      write: (bytes, value) => isInt64(value) && bytes.writeBigInt64BE(BigInt(value)) > 0,
      read: (buffer, start) => int64Of(buffer.readBigInt64BE(start)),
    })
  }
}

/** `org.apache.kafka.connect.converters.FloatConverter`: IEEE 754, 4 bytes. */
export class FloatConverter extends PrimitiveConverter {
  constructor() {
    super({
      typeName: 'float',
      schema: Schemas.OPTIONAL_FLOAT32,
      byteLength: 4,
      deserializer: 'Deserializer',
      write: (bytes, value) => isFloat(value) && bytes.writeFloatBE(Number(value)) > 0,
      read: (buffer, start) => buffer.readFloatBE(start),
    })
  }
}

/** `org.apache.kafka.connect.converters.DoubleConverter`: IEEE 754, 8 bytes. */
export class DoubleConverter extends PrimitiveConverter {
  constructor() {
    super({
      typeName: 'double',
      schema: Schemas.OPTIONAL_FLOAT64,
      byteLength: 8,
      deserializer: 'Deserializer',
      write: (bytes, value) => isFloat(value) && bytes.writeDoubleBE(Number(value)) > 0,
      read: (buffer, start) => buffer.readDoubleBE(start),
    })
  }
}

function isIntegerOf(value: unknown, limit: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= -limit && value < limit
}

function isFloat(value: unknown): boolean {
  return typeof value === 'number' || value instanceof Float64
}

/** `org.apache.kafka.connect.converters.BooleanConverter`: one byte, 0 or 1. */
export class BooleanConverter extends PrimitiveConverter {
  constructor() {
    super({
      typeName: 'boolean',
      schema: Schemas.OPTIONAL_BOOLEAN,
      byteLength: 1,
      deserializer: 'BooleanDeserializer',
      write: (bytes, value) => typeof value === 'boolean' && bytes.writeUInt8(value ? 1 : 0) > 0,
      read: readBoolean,
    })
  }

  override fromConnectData(topic: string, schema: Schema | null, value: unknown): SerializedData {
    if (schema !== null && schema.type !== 'BOOLEAN') throw new DataError(`Invalid schema type for BooleanConverter: ${schema.type}`)
    if (value !== null && value !== undefined && typeof value !== 'boolean') {
      throw new DataError(`BooleanConverter is not compatible with objects of type class ${javaClassOfValue(value)}`)
    }
    return super.fromConnectData(topic, schema, value)
  }
}

function readBoolean(buffer: Buffer, start: number): boolean {
  const byte = buffer.readInt8(start)
  if (byte === 0 || byte === 1) return byte === 1
  const cause = new DataError(`Unexpected byte received by BooleanDeserializer: ${byte}`)
  throw new DataError('Failed to deserialize boolean: ', { cause })
}
