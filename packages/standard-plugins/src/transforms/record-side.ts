import type { ConnectRecord, Schema } from '@millrace/api'

/** The half of a record that a transformation works on: the original has a class `$Key` and a class `$Value` of most. */
export interface RecordSide {
  schemaOf(record: ConnectRecord): Schema | null
  valueOf(record: ConnectRecord): unknown
  /** A new record that differs in this half only. */
  replace<R extends ConnectRecord>(record: R, schema: Schema | null, value: unknown): R
}

export const keySide: RecordSide = {
  schemaOf: (record) => record.keySchema,
  valueOf: (record) => record.key,
  replace: (record, keySchema, key) => ({ ...record, keySchema, key }),
}

export const valueSide: RecordSide = {
  schemaOf: (record) => record.valueSchema,
  valueOf: (record) => record.value,
  replace: (record, valueSchema, value) => ({ ...record, valueSchema, value }),
}
