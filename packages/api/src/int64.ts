const MIN = -(2n ** 63n)
const MAX = 2n ** 63n - 1n

/** The one form of an int64: a `number` while it is safe, a `bigint` beyond. */
export function int64Of(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

/** As `int64Of`, after wrapping to 64 bits the way Java's `longValue` does. */
export function wrapInt64(value: bigint): number | bigint {
  return int64Of(BigInt.asIntN(64, value))
}

/** Whether `value` is an int64: a safe integer, or a `bigint` within 64 bits. */
export function isInt64(value: unknown): value is number | bigint {
  return typeof value === 'bigint' ? value >= MIN && value <= MAX : Number.isSafeInteger(value)
}
