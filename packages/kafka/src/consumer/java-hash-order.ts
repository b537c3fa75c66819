/*
 * Java's sticky assignors go through hash maps here and there, and the order decides who keeps a partition. Members of both kinds may lead a group in turn: if they
 * saw another order, partitions would move with the leadership.
 */

/** Java's `String.hashCode`. */
export function stringHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}

/** Java's `TopicPartition.hashCode`. */
export function partitionHash(topic: string, partition: number): number {
  return (Math.imul(31, 31 + partition) + stringHash(topic)) | 0
}

/** The keys in the order in which a `HashMap` hands them out that they were put into one after another. */
export function hashOrdered<T>(keys: readonly T[], hash: (key: T) => number): T[] {
  return inBuckets(keys, hash, grown(16, keys.length))
}

/** The same for keys that came by `computeIfAbsent`, which puts a new key in front of its bucket and lets the table grow one key later. */
export function hashOrderedByComputing<T>(keys: readonly T[], hash: (key: T) => number): T[] {
  return inBuckets([...keys].reverse(), hash, grown(16, keys.length - 1))
}

/** A `HashSet`: iteration begins with the first bucket. A table that has grown does not shrink. */
export class HashOrderedSet<T> {
  readonly #hash: (key: T) => number
  readonly #keys = new Set<T>()
  #buckets = 16

  constructor(hash: (key: T) => number) {
    this.#hash = hash
  }

  get size(): number {
    return this.#keys.size
  }

  add(key: T): void {
    this.#keys.add(key)
    this.#buckets = grown(this.#buckets, this.#keys.size)
  }

  delete(key: T): void {
    this.#keys.delete(key)
  }

  first(): T | undefined {
    return inBuckets([...this.#keys], this.#hash, this.#buckets)[0]
  }
}

/** Within a bucket keys stay in the order in which they came, also when the table grows. */
function inBuckets<T>(keys: readonly T[], hash: (key: T) => number, buckets: number): T[] {
  return keys
    .map((key) => ({ key, bucket: bucketOf(hash(key), buckets) }))
    .sort((a, b) => a.bucket - b.bucket)
    .map(({ key }) => key)
}

function bucketOf(hash: number, buckets: number): number {
  return (hash ^ (hash >>> 16)) & (buckets - 1)
}

function grown(buckets: number, size: number): number {
  let enough = buckets
  while (size > enough * 0.75) enough *= 2
  return enough
}
