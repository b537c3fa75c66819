const SEED = 0x9747b28c | 0
const M = 0x5bd1e995

/** The 32-bit hash (signed) by which Kafka's Java client chooses the partition of a key. */
export function murmur2(data: Uint8Array): number {
  const { length } = data
  const bulkEnd = length & ~3
  let h = SEED ^ length
  for (let i = 0; i < bulkEnd; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    k = Math.imul(k, M)
    k = Math.imul(k ^ (k >>> 24), M)
    h = Math.imul(h, M) ^ k
  }
  if (length > bulkEnd) {
    if (length - bulkEnd > 2) h ^= data[bulkEnd + 2]! << 16
    if (length - bulkEnd > 1) h ^= data[bulkEnd + 1]! << 8
    h = Math.imul(h ^ data[bulkEnd]!, M)
  }
  h = Math.imul(h ^ (h >>> 13), M)
  return h ^ (h >>> 15)
}

/** Drops the sign bit, as the Java client does before it takes the remainder: `toPositive(murmur2(key)) % partitions`. */
export function toPositive(hash: number): number {
  return hash & 0x7fff_ffff
}
