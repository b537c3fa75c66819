/** What a consumer has done since it was made; every number only grows. */
export interface ConsumerMetrics {
  /** Records that `poll` has handed out. */
  recordsConsumed: number
  /** Bytes of record batches received, compressed as they came. */
  bytesFetched: number
  fetches: number
  fetchesFailed: number
  rebalances: number
  commits: number
  commitsFailed: number
}

export function consumerMetrics(): ConsumerMetrics {
  return { recordsConsumed: 0, bytesFetched: 0, fetches: 0, fetchesFailed: 0, rebalances: 0, commits: 0, commitsFailed: 0 }
}
