import fc from 'fast-check'
import type { Field, Fields, FieldType, Message } from './fields.ts'

/** `MILLRACE_TEST_SEED` repeats a run; fast-check prints the seed of one that failed. */
export function randomly(numRuns: number): fc.Parameters<unknown> {
  const seed = process.env['MILLRACE_TEST_SEED']
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) }
}

/** Values that a message can have in a version, drawn from its declaration. */
export function valuesOf<F extends Fields>(message: Message<F>, version: number): fc.Arbitrary<Record<string, unknown>> {
  return structValues(message.fields, version, version >= message.flexibleFrom)
}

function structValues(fields: Fields, version: number, isFlexible: boolean): fc.Arbitrary<Record<string, unknown>> {
  const carried = Object.entries(fields).filter(([, { since, until, tag }]) => version >= since && version <= until && (tag === undefined || isFlexible))
  return fc.record(Object.fromEntries(carried.map(([name, field]) => [name, fieldValues(field, version, isFlexible)])), { noNullPrototype: true })
}

function fieldValues(field: Field<unknown>, version: number, isFlexible: boolean): fc.Arbitrary<unknown> {
  const values = typeValues(field.type, version, isFlexible)
  return version >= field.nullableSince ? fc.option(values, { nil: null }) : values
}

function typeValues(type: FieldType, version: number, isFlexible: boolean): fc.Arbitrary<unknown> {
  switch (type.name) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -0x80, max: 0x7f })
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff })
    case 'uint16':
      return fc.integer({ min: 0, max: 0xffff })
    case 'int32':
      return fc.integer()
    case 'uint32':
      return fc.integer({ min: 0, max: 0xffff_ffff })
    case 'int64':
      return fc.maxSafeInteger()
    case 'float64':
      return fc.double({ noNaN: true })
    case 'string':
      return fc.string({ unit: 'binary', maxLength: 200 })
    case 'bytes':
      return fc.uint8Array({ maxLength: 300 }).map((data) => Buffer.from(data))
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((data) => Buffer.from(data).toString('base64url'))
    case 'array':
      return fc.array(typeValues(type.element, version, isFlexible), { maxLength: 4 })
    case 'struct':
      return structValues(type.fields, version, isFlexible)
  }
}
