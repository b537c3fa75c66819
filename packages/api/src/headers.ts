import { DataError } from './errors.ts'
import type { Schema } from './schema.ts'
import { isValidValue } from './validate-value.ts'

export interface Header {
  readonly key: string
  readonly schema: Schema | null
  readonly value: unknown
}

/** Headers of a record, in order; keys may repeat (`org.apache.kafka.connect.header.ConnectHeaders`). Not shared between records: `duplicate` first. */
export class Headers implements Iterable<Header> {
  #headers: Header[]

  constructor(headers: Iterable<Header> = []) {
    this.#headers = [...headers]
  }

  get size(): number {
    return this.#headers.length
  }

  [Symbol.iterator](): IterableIterator<Header> {
    return this.#headers[Symbol.iterator]()
  }

  /** Adds at the end. @throws DataError where the value does not fit the schema. */
  add(key: string, value: unknown, schema: Schema | null): this {
    if (schema !== null) checkValue(schema, value)
    this.#headers.push({ key, schema, value })
    return this
  }

  addHeader(header: Header): this {
    this.#headers.push(header)
    return this
  }

  lastWithName(key: string): Header | null {
    return this.#headers.findLast((header) => header.key === key) ?? null
  }

  /** In order; empty where there is none. */
  allWithName(key: string): readonly Header[] {
    return this.#headers.filter((header) => header.key === key)
  }

  /** Removes all with this key. */
  remove(key: string): this {
    this.#headers = this.#headers.filter((header) => header.key !== key)
    return this
  }

  clear(): this {
    this.#headers = []
    return this
  }

  /** Keeps only the last header of `key`; without `key`, of every key. */
  retainLatest(key?: string): this {
    const seen = new Set<string>()
    const isRetained = (header: Header): boolean => {
      if (key !== undefined && header.key !== key) return true
      if (seen.has(header.key)) return false
      seen.add(header.key)
      return true
    }
    this.#headers = this.#headers.toReversed().filter(isRetained).toReversed()
    return this
  }

  /** Replaces each header (of `key`, where given) by what `change` returns; null removes it. */
  apply(change: (header: Header) => Header | null, key?: string): this {
    this.#headers = this.#headers.flatMap((header) => (key === undefined || header.key === key ? (change(header) ?? []) : header))
    return this
  }

  duplicate(): Headers {
    return new Headers(this.#headers)
  }
}

function checkValue(schema: Schema, value: unknown): void {
  if (value === null && !schema.isOptional) throw new DataError(`A null value requires an optional schema but was ${String(schema)}`)
  if (!isValidValue(schema, value)) throw new DataError(`The value ${String(value)} is not compatible with the schema ${String(schema)}`)
}
