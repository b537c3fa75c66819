import { ProtocolError } from './errors.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

/*
 * Messages are declared field by field, in the order of the wire:
 *
 *   const heartbeat = message('HeartbeatRequest', { versions: { min: 0, max: 4 }, flexibleFrom: 4 }, {
 *     groupId: string(),
 *     groupInstanceId: string({ since: 3, nullable: true, default: null }),
 *   })
 *
 * From this come the types of the values (`MessageValue`, `MessageInput`) and, once for each version that is used, encoder and decoder.
 */

/** The first and last version, both included. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

export interface FieldOptions<T> {
  /** First version that carries the field; default 0. */
  readonly since?: number
  /** Last version that carries the field; default: all later ones. */
  readonly until?: number
  /** `true`, or the first version in which the field may be null. */
  readonly nullable?: true | number
  /** What it is when a version does not carry it or the sender leaves it out; default: 0, false, '', empty. */
  readonly default?: T
  /** Sent in the section of tagged fields, only where it differs from its default. */
  readonly tag?: number
  /** A version that does not carry the field drops its value; without this, a value other than the default is refused. */
  readonly ignorable?: true
}

/**
 * One field of a message.
 * `Value` is what decoding gives, `Input` what encoding takes, `Optional` whether encoding takes a message without it.
 */
export interface Field<Value, Input = Value, Optional extends boolean = boolean> {
  readonly type: FieldType
  readonly since: number
  readonly until: number
  readonly nullableSince: number
  readonly default: unknown
  readonly isOptional: boolean
  readonly tag: number | undefined
  readonly isIgnorable: boolean
  /** Exists for the compiler alone. */
  readonly types?: readonly [Value, Input, Optional]
}

export type Fields = { readonly [name: string]: Field<unknown, unknown> }

type ScalarName = 'bool' | 'int8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'float64' | 'string' | 'bytes' | 'uuid'

export type FieldType =
  | { readonly name: ScalarName }
  | { readonly name: 'struct'; readonly fields: Fields }
  | { readonly name: 'array'; readonly element: FieldType }

type OrNull<O, T> = O extends { nullable: true | number } ? T | null : T

type IsOptional<O> = O extends { since: number } | { until: number } | { default: unknown } | { tag: number } | { ignorable: true } ? true : false

type Scalar<T, O, Input = T> = Field<OrNull<O, T>, OrNull<O, Input>, IsOptional<O>>

/** What decoding gives: every field, those that the version does not carry with their defaults. */
export type StructValue<F extends Fields> = {
  -readonly [K in keyof F]: F[K] extends Field<infer V, infer _I, infer _O> ? V : never
}

type OptionalNames<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<infer _V, infer _I, infer O> ? (O extends true ? K : never) : never
}[keyof F]

type InputOf<T> = T extends Field<infer _V, infer I, infer _O> ? I : never

/** What encoding takes: fields with a default, and those that not every version carries, may be left out. */
export type StructInput<F extends Fields> = { readonly [K in Exclude<keyof F, OptionalNames<F>>]: InputOf<F[K]> } & {
  readonly [K in OptionalNames<F>]?: InputOf<F[K]> | undefined
}

/** Declares a field of a scalar type. All 64-bit integers are numbers: values beyond ±(2^53 − 1) are refused in both directions. */
function scalar<T, Input = T>(name: ScalarName, zero: unknown) {
  return <const O extends FieldOptions<T | null>>(options: O = {} as O): Scalar<T, O, Input> => field({ name }, zero, options)
}

export const bool = scalar<boolean>('bool', false)
export const int8 = scalar<number>('int8', 0)
export const int16 = scalar<number>('int16', 0)
export const uint16 = scalar<number>('uint16', 0)
export const int32 = scalar<number>('int32', 0)
export const uint32 = scalar<number>('uint32', 0)
export const int64 = scalar<number>('int64', 0)
export const float64 = scalar<number>('float64', 0)
export const string = scalar<string>('string', '')
/** Decoding gives a view of the frame, not a copy. */
export const bytes = scalar<Buffer, Uint8Array>('bytes', Buffer.alloc(0))

/** No UUID: what Kafka sends where a topic has no id. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'
/** A UUID in Kafka's text form, 22 characters of URL-safe base64. */
export const uuid = scalar<string>('uuid', ZERO_UUID)

/** Declares a nested message; its default is that of each of its fields, or null. */
export function struct<F extends Fields, const O extends FieldOptions<null>>(
  fields: F,
  options: O = {} as O,
): Field<OrNull<O, StructValue<F>>, OrNull<O, StructInput<F>>, IsOptional<O>> {
  return field({ name: 'struct', fields }, defaultsOf(fields), options)
}

/** Declares an array of what `element` declares; the options of `element` itself have no effect. */
export function array<V, I, const O extends FieldOptions<null>>(
  element: Field<V, I>,
  options: O = {} as O,
): Field<OrNull<O, V[]>, OrNull<O, readonly I[]>, IsOptional<O>> {
  return field({ name: 'array', element: element.type }, [], options)
}

function field<V, I, O extends boolean>(type: FieldType, zero: unknown, options: FieldOptions<unknown>): Field<V, I, O> {
  const { since = 0, until = Infinity, nullable, tag, ignorable = false } = options
  return {
    type,
    since,
    until,
    nullableSince: nullable === undefined ? Infinity : nullable === true ? since : nullable,
    default: options.default === undefined ? zero : options.default,
    isOptional: options.since !== undefined || options.until !== undefined || options.default !== undefined || tag !== undefined || ignorable,
    tag,
    isIgnorable: ignorable,
  }
}

function defaultsOf(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, { default: value }]) => [name, value]))
}

/** A message with its versions. */
export interface Message<F extends Fields> {
  readonly name: string
  readonly versions: VersionRange
  /** First version with compact lengths and tagged fields (KIP-482); Infinity if there is none. */
  readonly flexibleFrom: number
  /** The declaration, in the order of the wire. */
  readonly fields: F
  /**
   * Appends the message in the given version.
   * @throws ProtocolError for a version outside `versions`, a missing field, or a value that the version cannot carry.
   */
  encode(writer: Writer, version: number, value: StructInput<F>): void
  /**
   * Reads a message of the given version. Tagged fields that are not known are skipped.
   * @throws ProtocolError for a version outside `versions` and for broken bytes.
   */
  decode(reader: Reader, version: number): StructValue<F>
}

export type MessageValue<M> = M extends Message<infer F> ? StructValue<F> : never
export type MessageInput<M> = M extends Message<infer F> ? StructInput<F> : never

export function message<const F extends Fields>(
  name: string,
  { versions, flexibleFrom }: { readonly versions: VersionRange; readonly flexibleFrom: number },
  fields: F,
): Message<F> {
  const codecs: (Codec | undefined)[] = []

  function codec(version: number): Codec {
    if (!(version >= versions.min && version <= versions.max)) {
      throw new ProtocolError(`${name} has no version ${version}; known are ${versions.min} to ${versions.max}.`)
    }
    return (codecs[version] ??= structCodec(name, fields, version, version >= flexibleFrom))
  }

  return {
    name,
    versions,
    flexibleFrom,
    fields,
    encode: (writer, version, value) => codec(version).encode(writer, value),
    decode: (reader, version) => codec(version).decode(reader) as StructValue<F>,
  }
}

/** Encoder and decoder of one type in one version. */
interface Codec {
  /** The least that a value takes on the wire. */
  readonly bytesMin: number
  encode(writer: Writer, value: unknown): void
  decode(reader: Reader): unknown
}

interface FieldCodec {
  readonly name: string
  readonly path: string
  readonly field: Field<unknown>
  readonly codec: Codec
}

function structCodec(path: string, fields: Fields, version: number, isFlexible: boolean): Codec {
  const carried: FieldCodec[] = []
  const tagged: FieldCodec[] = []
  const absent: FieldCodec[] = []
  for (const [name, field] of Object.entries(fields)) {
    const fieldPath = `${path}.${name}`
    const isNullable = version >= field.nullableSince
    const entry = { name, path: fieldPath, field, codec: typeCodec(fieldPath, field.type, version, isFlexible, isNullable) }
    if (version < field.since || version > field.until || (field.tag !== undefined && !isFlexible)) absent.push(entry)
    else if (field.tag !== undefined) tagged.push(entry)
    else carried.push(entry)
  }

  function encode(writer: Writer, value: unknown): void {
    if (typeof value !== 'object' || value === null) throw new ProtocolError(`${path} must be an object, not "${String(value)}".`)
    const struct = value as Record<string, unknown>
    for (const { name, path, field } of absent) {
      if (!field.isIgnorable && !isDefault(struct[name], field)) {
        throw new ProtocolError(`${path} has a value, but version ${version} cannot carry it.`)
      }
    }
    for (const { name, path, field, codec } of carried) {
      let fieldValue = struct[name]
      if (fieldValue === undefined) {
        if (!field.isOptional) throw new ProtocolError(`${path} is missing.`)
        fieldValue = field.default
      }
      codec.encode(writer, fieldValue)
    }
    if (isFlexible) encodeTaggedFields(writer, struct, tagged)
  }

  function decode(reader: Reader): unknown {
    const struct: Record<string, unknown> = {}
    for (const { name, codec } of carried) struct[name] = codec.decode(reader)
    for (const { name, field } of absent) struct[name] = freshDefault(field)
    if (isFlexible) decodeTaggedFields(reader, struct, tagged)
    return struct
  }

  const bytesMin = carried.reduce((sum, { codec }) => sum + codec.bytesMin, isFlexible ? 1 : 0)
  return { bytesMin, encode, decode }
}

/*
 * TaggedFields => count (uvarint) (tag (uvarint) length (uvarint) value)…, tags ascending.
 */

function encodeTaggedFields(writer: Writer, struct: Record<string, unknown>, tagged: readonly FieldCodec[]): void {
  const present = tagged.filter(({ name, field }) => !isDefault(struct[name], field))
  writer.uvarint(present.length)
  for (const { name, field, codec } of present.sort((a, b) => a.field.tag! - b.field.tag!)) {
    const value = new Writer(64)
    codec.encode(value, struct[name])
    writer.uvarint(field.tag!)
    writer.compactArrayCount(value.pos - 1)
    writer.raw(value.result())
  }
}

function decodeTaggedFields(reader: Reader, struct: Record<string, unknown>, tagged: readonly FieldCodec[]): void {
  for (const { name, field } of tagged) struct[name] = freshDefault(field)
  for (let count = reader.uvarint(); count > 0; count--) {
    const tag = reader.uvarint()
    const length = reader.uvarint()
    const start = reader.take(length)
    const known = tagged.find(({ field }) => field.tag === tag)
    if (known) struct[known.name] = known.codec.decode(new Reader(reader.buffer, start, start + length))
  }
}

/** Arrays and structs are made anew, so that nobody changes another message's default. */
function freshDefault({ type, default: value }: Field<unknown>): unknown {
  if (value === null) return null
  if (type.name === 'array') return []
  if (type.name !== 'struct') return value
  const struct: Record<string, unknown> = {}
  for (const name in type.fields) struct[name] = freshDefault(type.fields[name]!)
  return struct
}

function isDefault(value: unknown, field: Field<unknown>): boolean {
  return value === undefined || isSame(value, field.default)
}

function isSame(value: unknown, other: unknown): boolean {
  if (value === other) return true
  if (typeof value !== 'object' || typeof other !== 'object' || value === null || other === null) return false
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return (value as { length?: number }).length === 0 && (other as { length?: number }).length === 0
  return Object.entries(other).every(([name, expected]) => {
    const given = (value as Record<string, unknown>)[name]
    return given === undefined || isSame(given, expected)
  })
}

function typeCodec(path: string, type: FieldType, version: number, isFlexible: boolean, isNullable: boolean): Codec {
  if (type.name === 'struct') {
    const struct = structCodec(path, type.fields, version, isFlexible)
    return isNullable ? nullableStructCodec(struct) : struct
  }
  if (type.name === 'array') return arrayCodec(path, typeCodec(`${path}[]`, type.element, version, isFlexible, false), isFlexible, isNullable)
  return scalarCodec(path, type.name, isFlexible, isNullable)
}

/*
 * NullableStruct => present (int8, below 0 for null, 1 otherwise) struct
 */

function nullableStructCodec(struct: Codec): Codec {
  return {
    bytesMin: 1,
    encode(writer, value) {
      writer.int8(value === null ? -1 : 1)
      if (value !== null) struct.encode(writer, value)
    },
    decode(reader) {
      return reader.int8() < 0 ? null : struct.decode(reader)
    },
  }
}

function arrayCodec(path: string, element: Codec, isFlexible: boolean, isNullable: boolean): Codec {
  return {
    bytesMin: isFlexible ? 1 : 4,
    encode(writer, value) {
      if (value === null && isNullable) {
        if (isFlexible) writer.compactArrayCount(-1)
        else writer.arrayCount(-1)
        return
      }
      if (!Array.isArray(value)) throw new ProtocolError(`${path} must be an array, not "${String(value)}".`)
      if (isFlexible) writer.compactArrayCount(value.length)
      else writer.arrayCount(value.length)
      for (const item of value) element.encode(writer, item)
    },
    decode(reader) {
      const count = isFlexible ? reader.compactArrayCount(element.bytesMin) : reader.arrayCount(element.bytesMin)
      if (count === -1) return isNullable ? null : refuseNull(path)
      const items: unknown[] = []
      for (let i = 0; i < count; i++) items.push(element.decode(reader))
      return items
    },
  }
}

function refuseNull(path: string): never {
  throw new ProtocolError(`${path} must not be null.`)
}

function scalarCodec(path: string, name: ScalarName, isFlexible: boolean, isNullable: boolean): Codec {
  switch (name) {
    case 'bool':
      return plain(
        path,
        'boolean',
        1,
        (writer, value: boolean) => writer.boolean(value),
        (reader) => reader.boolean(),
      )
    case 'int8':
      return integer(
        path,
        1,
        -0x80,
        0x7f,
        (writer, value) => writer.int8(value),
        (reader) => reader.int8(),
      )
    case 'int16':
      return integer(
        path,
        2,
        -0x8000,
        0x7fff,
        (writer, value) => writer.int16(value),
        (reader) => reader.int16(),
      )
    case 'uint16':
      return integer(
        path,
        2,
        0,
        0xffff,
        (writer, value) => writer.uint16(value),
        (reader) => reader.uint16(),
      )
    case 'int32':
      return integer(
        path,
        4,
        -0x8000_0000,
        0x7fff_ffff,
        (writer, value) => writer.int32(value),
        (reader) => reader.int32(),
      )
    case 'uint32':
      return integer(
        path,
        4,
        0,
        0xffff_ffff,
        (writer, value) => writer.uint32(value),
        (reader) => reader.uint32(),
      )
    case 'int64':
      return integer(
        path,
        8,
        -Number.MAX_SAFE_INTEGER,
        Number.MAX_SAFE_INTEGER,
        (writer, value) => writer.int64(value),
        (reader) => reader.int64(),
      )
    case 'float64':
      return plain(
        path,
        'number',
        8,
        (writer, value: number) => writer.float64(value),
        (reader) => reader.float64(),
      )
    case 'uuid':
      return plain(
        path,
        'string',
        16,
        (writer, value: string) => writer.uuid(value),
        (reader) => reader.uuid(),
      )
    case 'string':
      return {
        bytesMin: isFlexible ? 1 : 2,
        encode(writer, value) {
          if (typeof value !== 'string' && !(value === null && isNullable)) refuse(path, 'a text', value)
          if (isFlexible) writer.compactString(value)
          else writer.string(value)
        },
        decode: (reader) => (isFlexible ? reader.compactNullableString() : reader.nullableString()) ?? (isNullable ? null : refuseNull(path)),
      }
    case 'bytes':
      return {
        bytesMin: isFlexible ? 1 : 4,
        encode(writer, value) {
          if (!(value instanceof Uint8Array) && !(value === null && isNullable)) refuse(path, 'bytes', value)
          if (isFlexible) writer.compactBytes(value)
          else writer.bytes(value)
        },
        decode: (reader) => (isFlexible ? reader.compactNullableBytes() : reader.nullableBytes()) ?? (isNullable ? null : refuseNull(path)),
      }
  }
}

function refuse(path: string, expected: string, value: unknown): never {
  throw new ProtocolError(`${path} must be ${expected}, not "${String(value)}".`)
}

function plain<T>(
  path: string,
  type: 'boolean' | 'number' | 'string',
  bytesMin: number,
  write: (writer: Writer, value: T) => void,
  read: (reader: Reader) => T,
): Codec {
  return {
    bytesMin,
    encode(writer, value) {
      if (typeof value !== type) refuse(path, `a ${type}`, value)
      write(writer, value as T)
    },
    decode: read,
  }
}

function integer(
  path: string,
  bytesMin: number,
  min: number,
  max: number,
  write: (writer: Writer, value: number) => void,
  read: (reader: Reader) => number,
): Codec {
  return {
    bytesMin,
    encode(writer, value) {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) refuse(path, `an integer of ${bytesMin} bytes`, value)
      write(writer, value)
    },
    decode: read,
  }
}
