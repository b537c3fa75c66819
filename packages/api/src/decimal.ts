import { DataError } from './errors.ts'

/** A decimal number of any size: `unscaled` × 10^-`scale` (`java.math.BigDecimal`). Immutable. `1.10` and `1.1` differ in scale and are not equal. */
export class Decimal {
  readonly unscaled: bigint
  readonly scale: number

  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled
    this.scale = scale
  }

  /** Reads `-12.30`, `1e3`, `+.5` with Java's rules; the scale is that of the text. @throws DataError where it is no number. */
  static parse(text: string): Decimal {
    const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,10}))?$/.exec(text)
    const [, sign, whole = '', fraction = '', exponent = '0'] = match ?? []
    if (match === null || whole.length + fraction.length === 0) throw new DataError(`"${text}" is not a decimal number`)
    const scale = fraction.length - Number(exponent)
    if (Math.abs(Number(exponent)) > 0x7fffffff || Math.abs(scale) > 0x7fffffff) throw new DataError(`The exponent of "${text}" is out of range`)
    const digits = BigInt(whole + fraction)
    return new Decimal(sign === '-' ? -digits : digits, scale)
  }

  /** From two's complement, most significant byte first, as Kafka Connect stores it. */
  static fromBytes(bytes: Uint8Array, scale: number): Decimal {
    if (bytes.length === 0) throw new DataError('Zero length BigInteger')
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
    return new Decimal(BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`)), scale)
  }

  /** The unscaled value as two's complement, most significant byte first, in as few bytes as it needs. */
  toBytes(): Buffer {
    const negative = this.unscaled < 0n
    const magnitude = negative ? -this.unscaled - 1n : this.unscaled
    const bits = magnitude === 0n ? 0 : magnitude.toString(2).length
    const length = (bits >> 3) + 1
    return Buffer.from(
      BigInt.asUintN(length * 8, this.unscaled)
        .toString(16)
        .padStart(length * 2, '0'),
      'hex',
    )
  }

  /** The nearest float64. */
  toNumber(): number {
    return Number(this.toString())
  }

  /** The whole part; a fraction is cut off. */
  toBigInt(): bigint {
    if (this.scale <= 0) return this.unscaled * 10n ** BigInt(-this.scale)
    // A divisor with far more digits than the value would cost memory for an answer that is known.
    if (this.scale > this.unscaled.toString().length) return 0n
    return this.unscaled / 10n ** BigInt(this.scale)
  }

  equals(other: Decimal): boolean {
    return this.unscaled === other.unscaled && this.scale === other.scale
  }

  /** `BigDecimal.toString`: plain where the scale is not negative and the number not tiny, else `1.2E+3`. */
  toString(): string {
    const negative = this.unscaled < 0n
    const digits = (negative ? -this.unscaled : this.unscaled).toString()
    const sign = negative ? '-' : ''
    if (this.scale === 0) return sign + digits
    const exponent = digits.length - 1 - this.scale
    if (this.scale > 0 && exponent >= -6) {
      const padded = digits.padStart(this.scale + 1, '0')
      return `${sign}${padded.slice(0, -this.scale)}.${padded.slice(-this.scale)}`
    }
    const mantissa = digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`
    return exponent === 0 ? sign + mantissa : `${sign}${mantissa}E${exponent > 0 ? '+' : ''}${exponent}`
  }
}
