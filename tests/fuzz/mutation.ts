import fc from 'fast-check'

/** What is done to bytes that were in order. Positions are taken modulo the length. */
type Change =
  | { readonly kind: 'byte'; readonly at: number; readonly value: number }
  | { readonly kind: 'bit'; readonly at: number; readonly value: number }
  | { readonly kind: 'int16' | 'int32' | 'int64'; readonly at: number; readonly value: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'remove' | 'repeat'; readonly at: number; readonly length: number }

/** Lengths and counts at which programs break. */
const borders = [-1, -2, 0, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 0x7fff_ffff, -0x8000_0000, 0x7fff_fffe, 0x1000_0000]

const at = fc.nat(100_000)
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('byte' as const), at, value: fc.nat(255) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('bit' as const), at, value: fc.nat(7) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('int16' as const, 'int32' as const, 'int64' as const), at, value: fc.constantFrom(...borders) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('insert' as const), at, bytes: fc.uint8Array({ minLength: 1, maxLength: 20 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('remove' as const, 'repeat' as const), at, length: fc.integer({ min: 1, max: 40 }) }) },
)

/** Bytes of a corpus, changed at some places; now and then bytes that have nothing to do with it. `index` says which of the corpus they were. */
export interface Mutated {
  readonly index: number
  readonly changes: readonly Change[] | Uint8Array
}

export function mutated(corpusLength: number): fc.Arbitrary<Mutated> {
  const index = fc.nat(corpusLength - 1)
  return fc.oneof(
    { weight: 12, arbitrary: fc.record({ index, changes: fc.array(change, { minLength: 1, maxLength: 5 }) }) },
    { weight: 1, arbitrary: fc.record({ index, changes: fc.uint8Array({ maxLength: 300 }) }) },
  )
}

/** The bytes that a mutation makes of its origin, which stays as it is. */
export function bytesOf({ changes }: Mutated, origin: Buffer): Buffer {
  if (changes instanceof Uint8Array) return Buffer.from(changes)
  return changes.reduce<Buffer>(changed, Buffer.from(origin))
}

function changed(bytes: Buffer, change: Change): Buffer {
  if (bytes.length === 0) return bytes
  const at = change.at % bytes.length
  switch (change.kind) {
    case 'byte':
      bytes[at] = change.value
      return bytes
    case 'bit':
      bytes[at]! ^= 1 << change.value
      return bytes
    case 'int16':
    case 'int32':
    case 'int64':
      return writtenOver(bytes, at, change.kind === 'int16' ? 2 : change.kind === 'int32' ? 4 : 8, change.value)
    case 'cut':
      return bytes.subarray(0, at)
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), change.bytes, bytes.subarray(at)])
    case 'remove':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + change.length)])
    case 'repeat':
      return Buffer.concat([bytes.subarray(0, at + change.length), bytes.subarray(at)])
  }
}

function writtenOver(bytes: Buffer, at: number, length: number, value: number): Buffer {
  const whole = Buffer.alloc(8)
  whole.writeBigInt64BE(BigInt(value))
  whole.copy(bytes, at, 8 - length)
  return bytes
}
