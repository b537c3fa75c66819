import { ConfigDef, convertToString, DataError, type HeaderConverter, parseString, type Schema, type SchemaAndValue, type SerializedData } from '@millrace/api'
import { Schemas } from '@millrace/api'

const NO_OPTIONS = new ConfigDef()

/**
 * Header values as text, and text as whatever it looks like (`org.apache.kafka.connect.storage.SimpleHeaderConverter`, the default header converter).
 * What cannot be read as text of a known form is handed on as bytes.
 */
export class SimpleHeaderConverter implements HeaderConverter {
  config(): ConfigDef {
    return NO_OPTIONS
  }

  /** There is nothing to set. */
  configureHeader(): void {}

  fromConnectHeader(_topic: string, _headerKey: string, schema: Schema | null, value: unknown): SerializedData {
    return value === null || value === undefined ? null : convertToString(schema, value)
  }

  toConnectHeader(_topic: string, _headerKey: string, data: Buffer | null): SchemaAndValue {
    if (data === null) return { schema: null, value: null }
    try {
      return parseString(data.toString('utf8'))
    } catch (error) {
      if (error instanceof DataError) throw error
      return { schema: Schemas.BYTES, value: data }
    }
  }
}
