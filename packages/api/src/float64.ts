import { javaDouble } from './java-number.ts'

/**
 * A float64 without schema whose value is integral: `1.0` or `1e3` in JSON. A bare `number` would be taken for an int64 there and written back as `1`.
 * Only such values are boxed; a `number` with a fraction, or beyond the safe range, is a float64 as it is. Under a schema, float64 is always a bare `number`.
 */
export class Float64 {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }

  /** Boxes `value` where a bare number would be taken for an integer. */
  static of(value: number): number | Float64 {
    return Number.isSafeInteger(value) ? new Float64(value) : value
  }

  valueOf(): number {
    return this.value
  }

  toJSON(): number {
    return this.value
  }

  /** Java's notation: `1.0`. */
  toString(): string {
    return javaDouble(this.value)
  }
}
