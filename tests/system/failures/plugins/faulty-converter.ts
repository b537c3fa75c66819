import type { ConfigDef, Converter, MaybePromise, Properties, SchemaAndValue, SerializedData } from '@millrace/api'
import { Fault, faultConfig } from './fault.ts'

/** Strings as UTF-8. */
export class FaultyConverter implements Converter {
  #fault = new Fault({})

  config(): ConfigDef {
    return faultConfig()
  }
  configure(properties: Properties): void {
    this.#fault = new Fault(properties)
  }
  fromConnectData(_topic: string, _schema: unknown, value: unknown): MaybePromise<SerializedData> {
    const data = value == null ? null : String(value)
    return this.#fault.at('converter', [data])?.then(() => data) ?? data
  }
  toConnectData(_topic: string, data: Buffer | null): MaybePromise<SchemaAndValue> {
    const converted = { schema: null, value: data?.toString() ?? null }
    return this.#fault.at('converter', [converted.value])?.then(() => converted) ?? converted
  }
}
