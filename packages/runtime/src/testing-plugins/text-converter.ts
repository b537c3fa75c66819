import { ConfigDef, type Converter, type HeaderConverter, type SchemaAndValue, type SerializedData } from '@millrace/api'

/** Strings as UTF-8. */
export class TextConverter implements Converter {
  config(): ConfigDef {
    return new ConfigDef()
  }
  configure(): void {}
  fromConnectData(_topic: string, _schema: unknown, value: unknown): SerializedData {
    return value == null ? null : String(value)
  }
  toConnectData(_topic: string, data: Buffer | null): SchemaAndValue {
    return { schema: null, value: data?.toString() ?? null }
  }
}

export class TextHeaderConverter implements HeaderConverter {
  config(): ConfigDef {
    return new ConfigDef()
  }
  configureHeader(): void {}
  fromConnectHeader(_topic: string, _key: string, _schema: unknown, value: unknown): SerializedData {
    return value == null ? null : String(value)
  }
  toConnectHeader(_topic: string, _key: string, data: Buffer | null): SchemaAndValue {
    return { schema: null, value: data?.toString() ?? null }
  }
}
