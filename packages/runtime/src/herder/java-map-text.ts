/** A map of texts as a copy in a `java.util.HashMap` shows it: `{name=a, file=b}`, in the order of its buckets. */
export function javaMapText(map: Readonly<Record<string, string | null>>): string {
  const entries = Object.entries(map)
  // A copy of another map: just large enough.
  let buckets = 1
  while (buckets < entries.length / 0.75 + 1) buckets *= 2
  const bucketOf = (key: string): number => spread(javaHashCode(key)) & (buckets - 1)
  // Within a bucket the order of insertion stays, as the sort is stable.
  const sorted = entries.map(([key, value]) => ({ key, value, bucket: bucketOf(key) })).sort((a, b) => a.bucket - b.bucket)
  return `{${sorted.map(({ key, value }) => `${key}=${value}`).join(', ')}}`
}

function javaHashCode(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0
  return hash
}

function spread(hash: number): number {
  return hash ^ (hash >>> 16)
}
