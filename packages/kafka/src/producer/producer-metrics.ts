/** What a producer has done since it was made; every number only grows but `bytesBuffered`. */
export interface ProducerMetrics {
  /** Records that the broker acknowledged. */
  recordsAcknowledged: number
  /** Records that failed for good. */
  recordsFailed: number
  /** Records that were sent again, each time. */
  recordsRetried: number
  /** Record batches sent, retries included. */
  batchesSent: number
  /** Batches that were too large for the broker and were split. */
  batchesSplit: number
  /** Bytes of record batches sent, after compression. */
  bytesSent: number
  /** Bytes of records that are not acknowledged yet. */
  bytesBuffered: number
  requests: number
  requestsFailed: number
}

export function producerMetrics(): ProducerMetrics {
  return {
    recordsAcknowledged: 0,
    recordsFailed: 0,
    recordsRetried: 0,
    batchesSent: 0,
    batchesSplit: 0,
    bytesSent: 0,
    bytesBuffered: 0,
    requests: 0,
    requestsFailed: 0,
  }
}
