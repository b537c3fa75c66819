import {
  ConfigDef,
  convertToString,
  type HeaderConverter,
  type Logger,
  NULL_SCHEMA_AND_VALUE,
  parseString,
  type PluginContext,
  type Properties,
  type Schema,
  type SchemaAndValue,
  Schemas,
  type SerializedData,
} from '@millrace/api'

const noConfig = new ConfigDef()

/**
 * Values of headers as text that tells its own type (`org.apache.kafka.connect.storage.SimpleHeaderConverter`): the default for headers.
 * Dates are read and written in the time zone of the process, as by the original.
 */
export class SimpleHeaderConverter implements HeaderConverter {
  #logger: Logger | null = null

  config(): ConfigDef {
    return noConfig
  }

  configureHeader(_properties: Properties, context?: PluginContext): void {
    this.#logger = context?.logger ?? null
  }

  fromConnectHeader(_topic: string, _headerKey: string, schema: Schema | null, value: unknown): SerializedData {
    return convertToString(schema, value)
  }

  toConnectHeader(topic: string, headerKey: string, data: Buffer | null): SchemaAndValue {
    if (data === null) return NULL_SCHEMA_AND_VALUE
    try {
      return parseString(data.utf8Slice(0, data.length))
    } catch (error) {
      this.#logger?.warn(`Failed to deserialize value for header '${headerKey}' on topic '${topic}', so using byte array`, error)
      return { schema: Schemas.BYTES, value: data }
    }
  }
}
