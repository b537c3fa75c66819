import { elementsAt, membersAt } from './json-outline.ts'

/** What `ShapedJson.read` gives for text that it does not know. */
export const UNKNOWN_SHAPE = Symbol('unknown shape')

/** Objects of one place that are told apart; data with more kinds takes the general way. */
const SHAPES_PER_PLACE_MAX = 4
/** Of all places together. */
const SHAPES_MAX = 64
const KEYS_MAX = 128
/** Texts that are learnt from, until the next rest. */
const LESSONS_MAX = 256
/** Numbers of so many digits are told from each other by a float64, and `digits / 10 ** places` is rounded as the text would be. */
const DIGITS_MAX = 15
/** A hit earns one, a miss costs two: with less than two hits to a miss the general way alone is as quick. */
const CREDIT_MAX = 1000
const MISS_COST = 2
/** How many texts go the general way before shapes are learnt anew; twice as many each time. */
const REST_MIN = 10_000
const REST_MAX = 10_000_000

/** Where a value stands: the objects that were seen there, and the place of its elements where it was an array. */
interface Place {
  readonly shapes: Shape[]
  elements: Place | null
}

/** Objects with the same keys in the same order and the same blanks in between. */
interface Shape {
  /** The bytes before each value, as `{"id":` and `,"name":`, and those after the last. */
  readonly labels: readonly Label[]
  readonly places: readonly Place[]
  /** Makes the object of the values that stand in `values` from `base` on. */
  readonly build: (values: readonly unknown[], base: number) => object
}

interface Label {
  readonly bytes: Buffer
  /** Four bytes each, little-endian; the last word ends with the label, and may overlap the one before. Empty for less than four bytes. */
  readonly words: Int32Array
}

/**
 * Reads JSON objects that are made like the ones before them, as nearly all messages of a topic are.
 *
 * Where a general parser finds out what each key is, and which object the keys make, this one compares bytes with those that it expects and fills in an
 * object that it knows. It gives what `JSON.parse` gives, or UNKNOWN_SHAPE: for text that looks different, and for numbers that `JSON.parse` might
 * change or that have exponents.
 */
export class ShapedJson {
  #root: Place = { shapes: [], elements: null }
  #shapeCount = 0
  #lessons = 0
  #credit = CREDIT_MAX
  #rest = 0
  #nextRest = REST_MIN

  // The text that is being read.
  #bytes: Buffer = Buffer.alloc(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  #text = ''
  #start = 0
  #end = 0
  #at = 0
  /** Values of the objects and arrays that are not complete yet. */
  readonly #values: unknown[] = []

  /** @returns the value, or UNKNOWN_SHAPE: read the text in the general way then, and let `learn` have it if it is fit for `JSON.parse`. */
  read(bytes: Buffer, start: number, end: number): unknown {
    if (bytes[start] !== 0x7b) return UNKNOWN_SHAPE
    if (this.#rest > 0) {
      this.#rest--
      return UNKNOWN_SHAPE
    }
    this.#begin(bytes, start, end)
    const value = this.#object(this.#root, 0)
    return value !== UNKNOWN_SHAPE && this.#at === end ? this.#hit(value) : this.#miss()
  }

  /** Takes note of a text for which `read` knew no shape. Only for text that `JSON.parse` reads without losing anything. */
  learn(bytes: Buffer, start: number): void {
    if (this.#rest > 0 || bytes[start] !== 0x7b || this.#lessons === LESSONS_MAX) return
    this.#lessons++
    this.#learnObject(this.#root, bytes, start)
  }

  #begin(bytes: Buffer, start: number, end: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    }
    this.#text = bytes.latin1Slice(start, end)
    this.#start = start
    this.#end = end
    this.#at = start
  }

  #hit(value: unknown): unknown {
    if (this.#credit < CREDIT_MAX) this.#credit++
    return value
  }

  #miss(): typeof UNKNOWN_SHAPE {
    this.#credit -= MISS_COST
    if (this.#credit < 0) {
      this.#rest = this.#nextRest
      this.#nextRest = Math.min(this.#nextRest * 2, REST_MAX)
      this.#credit = CREDIT_MAX
      this.#root = { shapes: [], elements: null }
      this.#shapeCount = 0
      this.#lessons = 0
    }
    return UNKNOWN_SHAPE
  }

  #object(place: Place, base: number): unknown {
    const { shapes } = place
    const from = this.#at
    for (let index = 0; index < shapes.length; index++) {
      const value = this.#shaped(shapes[index] as Shape, base)
      if (value !== UNKNOWN_SHAPE) return value
      this.#at = from
    }
    return UNKNOWN_SHAPE
  }

  #shaped({ labels, places, build }: Shape, base: number): unknown {
    const values = this.#values
    const count = places.length
    for (let index = 0; index < count; index++) {
      if (!this.#skip(labels[index] as Label)) return UNKNOWN_SHAPE
      const value = this.#value(places[index] as Place, base + index)
      if (value === UNKNOWN_SHAPE) return UNKNOWN_SHAPE
      values[base + index] = value
    }
    return this.#skip(labels[count] as Label) ? build(values, base) : UNKNOWN_SHAPE
  }

  /** @returns whether the label stands here, and goes on behind it. */
  #skip({ bytes: expected, words }: Label): boolean {
    const at = this.#at
    const next = at + expected.length
    if (next > this.#end) return false
    const last = words.length - 1
    if (last >= 0) {
      const view = this.#view
      for (let index = 0; index < last; index++) if (view.getInt32(at + index * 4, true) !== words[index]) return false
      if (view.getInt32(next - 4, true) !== words[last]) return false
    } else {
      const bytes = this.#bytes
      for (let index = 0; index < expected.length; index++) if (bytes[at + index] !== expected[index]) return false
    }
    this.#at = next
    return true
  }

  #value(place: Place, base: number): unknown {
    const first = this.#bytes[this.#at] as number
    if (first === 0x22) return this.#string()
    if (first <= 0x39) return this.#number(first === 0x2d)
    if (first === 0x7b) return this.#object(place, base)
    if (first === 0x5b) return place.elements === null ? UNKNOWN_SHAPE : this.#array(place.elements, base)
    if (first === 0x74) return this.#skip(TRUE) ? true : UNKNOWN_SHAPE
    if (first === 0x66) return this.#skip(FALSE) ? false : UNKNOWN_SHAPE
    return this.#skip(NULL) ? null : UNKNOWN_SHAPE
  }

  #string(): unknown {
    const bytes = this.#bytes
    const first = this.#at + 1
    let at = first
    while (ordinary[bytes[at] as number] === 1) at++
    if (bytes[at] !== 0x22) return this.#unusualString(at)
    this.#at = at + 1
    return this.#text.substring(first - this.#start, at - this.#start)
  }

  /** With escapes, or characters beyond ASCII. */
  #unusualString(from: number): unknown {
    const bytes = this.#bytes
    let at = from
    while (at < this.#end && bytes[at] !== 0x22) at += bytes[at] === 0x5c ? 2 : 1
    if (at >= this.#end) return UNKNOWN_SHAPE
    const text = bytes.utf8Slice(this.#at, at + 1)
    this.#at = at + 1
    // Perhaps of bytes that are no UTF-8.
    if (text.includes('\ufffd')) return UNKNOWN_SHAPE
    try {
      return JSON.parse(text)
    } catch {
      return UNKNOWN_SHAPE
    }
  }

  #number(isNegative: boolean): unknown {
    const bytes = this.#bytes
    const first = isNegative ? this.#at + 1 : this.#at
    let at = first
    let byte = bytes[at] as number
    let value = 0
    while (byte >= 0x30 && byte <= 0x39) {
      value = value * 10 + (byte - 0x30)
      byte = bytes[++at] as number
    }
    let digits = at - first
    if (digits === 0 || (digits > 1 && bytes[first] === 0x30)) return UNKNOWN_SHAPE
    if (byte === 0x2e) {
      const point = at
      byte = bytes[++at] as number
      while (byte >= 0x30 && byte <= 0x39) {
        value = value * 10 + (byte - 0x30)
        byte = bytes[++at] as number
      }
      const places = at - point - 1
      digits += places
      if (digits > DIGITS_MAX) return UNKNOWN_SHAPE
      value /= powersOfTen[places] as number
      // Would be an integer, and is a double in Java; or there is no digit after the point.
      if (Number.isInteger(value)) return UNKNOWN_SHAPE
    } else if (digits > DIGITS_MAX || (isNegative && value === 0)) return UNKNOWN_SHAPE
    // What follows is compared with a label; those begin with neither `e` nor a digit.
    this.#at = at
    return isNegative ? -value : value
  }

  #array(elements: Place, base: number): unknown {
    const bytes = this.#bytes
    const values = this.#values
    if (bytes[this.#at + 1] === 0x5d) {
      this.#at += 2
      return []
    }
    let count = 0
    for (;;) {
      // Behind the bracket or the comma.
      this.#at++
      if (bytes[this.#at] === 0x20) this.#at++
      const value = this.#value(elements, base + count)
      if (value === UNKNOWN_SHAPE) return UNKNOWN_SHAPE
      values[base + count++] = value
      const separator = bytes[this.#at]
      if (separator === 0x2c) continue
      if (separator !== 0x5d) return UNKNOWN_SHAPE
      this.#at++
      return values.slice(base, base + count)
    }
  }

  // Learning.

  #learnObject(place: Place, bytes: Buffer, at: number): void {
    const { keys, labels, values } = membersAt(bytes, at)
    const shape = place.shapes.find((known) => areSame(known.labels, labels)) ?? this.#newShape(place, keys, labels)
    if (shape === null) return
    for (const [index, value] of values.entries()) this.#learnValue(shape.places[index] as Place, bytes, value)
  }

  #learnValue(place: Place, bytes: Buffer, at: number): void {
    const first = bytes[at]
    if (first === 0x7b) this.#learnObject(place, bytes, at)
    else if (first === 0x5b) {
      place.elements ??= { shapes: [], elements: null }
      for (const element of elementsAt(bytes, at)) this.#learnValue(place.elements, bytes, element)
    }
  }

  #newShape(place: Place, keys: readonly string[], labels: readonly Buffer[]): Shape | null {
    if (place.shapes.length === SHAPES_PER_PLACE_MAX || this.#shapeCount === SHAPES_MAX) return null
    if (keys.length > KEYS_MAX || new Set(keys).size < keys.length) return null
    const shape = shapeOf(keys, labels)
    place.shapes.push(shape)
    this.#shapeCount++
    return shape
  }
}

function areSame(known: readonly Label[], labels: readonly Buffer[]): boolean {
  return known.length === labels.length && known.every(({ bytes }, index) => bytes.equals(labels[index] as Buffer))
}

const TRUE = labelOf(Buffer.from('true'))
const FALSE = labelOf(Buffer.from('false'))
const NULL = labelOf(Buffer.from('null'))
const powersOfTen = Array.from({ length: DIGITS_MAX + 1 }, (_, exponent) => 10 ** exponent)
/** 1 for what stands for itself in a string. */
const ordinary = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x20 && byte < 0x80 && byte !== 0x22 && byte !== 0x5c ? 1 : 0))

function shapeOf(keys: readonly string[], labels: readonly Buffer[]): Shape {
  return { labels: labels.map(labelOf), places: keys.map(() => ({ shapes: [], elements: null })), build: builderOf(keys) }
}

/**
 * An object literal makes an object in one go, where setting its members one by one takes several times as long. Keys come from messages: they stand in it as JSON
 * strings, which cannot be anything but strings, and `__proto__` is never among them.
 */
function builderOf(keys: readonly string[]): Shape['build'] {
  const members = keys.map((key, index) => `${JSON.stringify(key)}: values[base + ${index}]`)
  try {
    return new Function('values', 'base', `return { ${members.join(', ')} }`) as Shape['build']
  } catch {
    // Node was told to compile nothing from strings.
    return (values, base) => Object.fromEntries(keys.map((key, index) => [key, values[base + index]]))
  }
}

function labelOf(bytes: Buffer): Label {
  const count = bytes.length < 4 ? 0 : Math.ceil(bytes.length / 4)
  const words = Int32Array.from({ length: count }, (_, index) => bytes.readInt32LE(Math.min(index * 4, bytes.length - 4)))
  return { bytes, words }
}
