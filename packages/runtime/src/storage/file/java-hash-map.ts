import { ownBytes } from '../own-bytes.ts'

/**
 * A `java.util.HashMap<byte[], byte[]>` as `java.io.ObjectOutputStream` writes it: the format of the standalone worker's offset file.
 * Grammar (Java Object Serialization Specification, chapter 6), as far as such a map needs it; integers are big endian:
 *
 *     stream     := AC ED 00 05 map
 *     map        := 73 classDesc(java.util.HashMap) loadFactor:f4 threshold:i4 77 08 buckets:i4 size:i4 (entry entry){size} 78
 *     entry      := 70 | 75 classDesc([B) length:i4 byte{length} | 71 handle:i4
 *     classDesc  := 72 name:utf suid:i8 flags:u1 count:u2 (type:u1 name:utf){count} 78 70 | 71 handle:i4
 *
 * Class descriptions, the map and each array take the next handle, counted from 0x7E0000; `71` refers back to one.
 */

/** Two entries of one key are possible: Java compares arrays by identity. */
export interface JavaHashMapEntry {
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** The bytes are no such map, or not all of it. */
export class JavaHashMapFormatError extends Error {
  readonly code = 'JAVA_HASH_MAP_FORMAT'
  /** Where reading stopped, in bytes from the start. */
  readonly offset: number

  constructor(problem: string, offset: number) {
    super(`${problem} at byte ${offset}`)
    this.offset = offset
  }
}

const MAGIC_AND_VERSION = 0xaced0005
const TC_NULL = 0x70
const TC_REFERENCE = 0x71
const TC_CLASSDESC = 0x72
const TC_OBJECT = 0x73
const TC_ARRAY = 0x75
const TC_BLOCKDATA = 0x77
const TC_ENDBLOCKDATA = 0x78
const FIRST_HANDLE = 0x7e0000

const HASH_MAP = { name: 'java.util.HashMap', suid: 0x0507dac1c31660d1n }
const BYTE_ARRAY = { name: '[B', suid: 0xacf317f8060854e0n }
const LOAD_FACTOR = 0.75
const BUCKETS_MIN = 16

/** @throws JavaHashMapFormatError */
export function readJavaHashMap(bytes: Buffer): JavaHashMapEntry[] {
  return new Reader(bytes).map()
}

/** Byte for byte what Java writes for a map whose iteration gives these entries in this order. */
export function writeJavaHashMap(entries: readonly JavaHashMapEntry[]): Buffer {
  const writer = new Writer(headerBytes(entries.length))
  for (const entry of entries) {
    writer.byteArray(entry.key)
    writer.byteArray(entry.value)
  }
  return writer.finish()
}

class Reader {
  readonly #bytes: Buffer
  #offset = 0
  /** What each handle stands for. */
  readonly #handles: unknown[] = []

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  map(): JavaHashMapEntry[] {
    this.#expect(this.#u4() === MAGIC_AND_VERSION, 'Not a Java serialization stream')
    this.#expect(this.#u1() === TC_OBJECT, 'Not a serialized object')
    this.#classDesc(HASH_MAP)
    this.#handles.push(null)
    this.#skip(4 + 4)
    this.#expect(this.#u1() === TC_BLOCKDATA && this.#u1() === 8, 'Unexpected data in the map')
    this.#skip(4)
    const size = this.#u4()
    // Each entry takes at least two bytes, so a size beyond that is damage, not a reason to allocate.
    this.#expect(size <= this.#bytes.length, `Impossible number of entries ${size}`)
    const entries: JavaHashMapEntry[] = []
    for (let index = 0; index < size; index++) entries.push({ key: this.#byteArray(), value: this.#byteArray() })
    this.#expect(this.#u1() === TC_ENDBLOCKDATA, 'Map does not end where it should')
    this.#expect(this.#offset === this.#bytes.length, 'Something follows the map')
    return entries
  }

  #byteArray(): Buffer | null {
    const tag = this.#u1()
    if (tag === TC_NULL) return null
    if (tag === TC_REFERENCE) return this.#referredArray()
    this.#expect(tag === TC_ARRAY, 'Neither a byte array nor null')
    this.#classDesc(BYTE_ARRAY)
    const length = this.#u4()
    const start = this.#offset
    this.#skip(length)
    const array = ownBytes(this.#bytes.subarray(start, this.#offset))
    this.#handles.push(array)
    return array
  }

  #referredArray(): Buffer {
    const target = this.#handles[this.#u4() - FIRST_HANDLE]
    this.#expect(Buffer.isBuffer(target), 'Reference to something that is no byte array')
    return target as Buffer
  }

  #classDesc(expected: typeof HASH_MAP): void {
    const tag = this.#u1()
    if (tag === TC_REFERENCE) {
      const target = this.#handles[this.#u4() - FIRST_HANDLE]
      this.#expect(target === expected.name, `Class is not ${expected.name}`)
      return
    }
    this.#expect(tag === TC_CLASSDESC, 'Class description is missing')
    const name = this.#utf()
    this.#expect(name === expected.name, `Class is "${name}", not "${expected.name}",`)
    this.#expect(this.#u8() === expected.suid, `Version of ${name} is not known`)
    this.#handles.push(name)
    this.#skip(1)
    const fields = this.#u2()
    for (let field = 0; field < fields; field++) {
      const type = String.fromCharCode(this.#u1())
      this.#expect(type === 'F' || type === 'I', `Field of unknown type "${type}"`)
      this.#utf()
    }
    this.#expect(this.#u1() === TC_ENDBLOCKDATA && this.#u1() === TC_NULL, `Class description of ${name} does not end where it should`)
  }

  #u1(): number {
    this.#skip(1)
    return this.#bytes.readUInt8(this.#offset - 1)
  }

  #u2(): number {
    this.#skip(2)
    return this.#bytes.readUInt16BE(this.#offset - 2)
  }

  #u4(): number {
    this.#skip(4)
    return this.#bytes.readUInt32BE(this.#offset - 4)
  }

  #u8(): bigint {
    this.#skip(8)
    return this.#bytes.readBigUInt64BE(this.#offset - 8)
  }

  #utf(): string {
    const length = this.#u2()
    this.#skip(length)
    return this.#bytes.toString('latin1', this.#offset - length, this.#offset)
  }

  #skip(count: number): void {
    this.#expect(count <= this.#bytes.length - this.#offset, 'File ends too early')
    this.#offset += count
  }

  #expect(condition: boolean, problem: string): void {
    if (!condition) throw new JavaHashMapFormatError(problem, this.#offset)
  }
}

class Writer {
  readonly #parts: Buffer[]
  #byteArrayHandle: number | null = null

  constructor(header: Buffer) {
    this.#parts = [header]
  }

  byteArray(bytes: Buffer | null): void {
    if (bytes === null) {
      this.#parts.push(Buffer.from([TC_NULL]))
      return
    }
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    this.#parts.push(Buffer.from([TC_ARRAY]), this.#byteArrayClass(), length, bytes)
  }

  finish(): Buffer {
    return Buffer.concat([...this.#parts, Buffer.from([TC_ENDBLOCKDATA])])
  }

  /** Described in full the first time; then by its handle, the first one after those of the map's class and the map. */
  #byteArrayClass(): Buffer {
    if (this.#byteArrayHandle === null) {
      this.#byteArrayHandle = FIRST_HANDLE + 2
      return classDescription(BYTE_ARRAY, 0x02, [])
    }
    const reference = Buffer.alloc(5)
    reference.writeUInt8(TC_REFERENCE)
    reference.writeUInt32BE(this.#byteArrayHandle, 1)
    return reference
  }
}

/** Everything before the first entry. */
function headerBytes(size: number): Buffer {
  const buckets = bucketsFor(size)
  const start = Buffer.alloc(5)
  start.writeUInt32BE(MAGIC_AND_VERSION)
  start.writeUInt8(TC_OBJECT, 4)
  const fields = Buffer.alloc(8)
  fields.writeFloatBE(LOAD_FACTOR)
  // A map that never had an entry has no table yet, hence no threshold.
  fields.writeInt32BE(size === 0 ? 0 : buckets * LOAD_FACTOR, 4)
  const block = Buffer.alloc(10)
  block.writeUInt8(TC_BLOCKDATA)
  block.writeUInt8(8, 1)
  block.writeInt32BE(buckets, 2)
  block.writeInt32BE(size, 6)
  const fieldNames = [
    ['F', 'loadFactor'],
    ['I', 'threshold'],
  ] as const
  return Buffer.concat([start, classDescription(HASH_MAP, 0x03, fieldNames), fields, block])
}

function bucketsFor(size: number): number {
  let buckets = BUCKETS_MIN
  while (size > buckets * LOAD_FACTOR) buckets *= 2
  return buckets
}

function classDescription(described: typeof HASH_MAP, flags: number, fields: readonly (readonly [string, string])[]): Buffer {
  const suid = Buffer.alloc(8)
  suid.writeBigUInt64BE(described.suid)
  const flagsAndCount = Buffer.from([flags, 0, fields.length])
  const fieldBytes = fields.map(([type, name]) => Buffer.concat([Buffer.from(type), utf(name)]))
  return Buffer.concat([Buffer.from([TC_CLASSDESC]), utf(described.name), suid, flagsAndCount, ...fieldBytes, Buffer.from([TC_ENDBLOCKDATA, TC_NULL])])
}

function utf(text: string): Buffer {
  const bytes = Buffer.from(`\0\0${text}`, 'latin1')
  bytes.writeUInt16BE(text.length)
  return bytes
}
