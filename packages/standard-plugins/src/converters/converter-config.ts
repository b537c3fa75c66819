import { ConfigDef, validString } from '@millrace/api'

/** What every converter's options begin with (`org.apache.kafka.connect.storage.ConverterConfig`). The framework sets `converter.type`. */
export const converterConfig = new ConfigDef().define('converter.type', {
  type: 'STRING',
  importance: 'LOW',
  documentation: 'How this converter will be used.',
  validator: validString.in('key', 'value', 'header'),
})

/** `properties` with the `converter.type` that the call of `configure` implies. */
export function withConverterType(properties: Readonly<Record<string, string>>, isKey: boolean): Readonly<Record<string, string>> {
  return { ...properties, 'converter.type': isKey ? 'key' : 'value' }
}
