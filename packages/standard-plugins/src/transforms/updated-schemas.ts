import type { Schema } from '@millrace/api'
import { LeastRecentlyUsed } from '../converters/least-recently-used.ts'

/** As many as the original remembers. */
const SCHEMAS_MAX = 16

/** What a transformation makes of schemas: one and the same for all records of a schema, so that what is compiled for it is made once. */
export class UpdatedSchemas {
  readonly #make: (schema: Schema) => Schema
  readonly #known = new LeastRecentlyUsed<Schema, Schema>(SCHEMAS_MAX)

  constructor(make: (schema: Schema) => Schema) {
    this.#make = make
  }

  of(schema: Schema): Schema {
    let updated = this.#known.get(schema)
    if (updated === undefined) this.#known.set(schema, (updated = this.#make(schema)))
    return updated
  }
}
