import type { KafkaError } from '@millrace/kafka-protocol'

/**
 * Is told how a record has ended: exactly one call of one of the two, once.
 *
 * Called on the event loop, never inside `send`; for the records of one partition in the order in which they were sent. Should be quick and not throw (what it
 * throws is logged). One object may serve many records.
 */
export interface SendCompletion {
  /**
   * The broker has the record, as `acks` asks.
   *
   * @param offset -1 where the broker has not told it (`acks=0`, or a retry of a batch that it already had).
   * @param timestamp milliseconds; the record's own or, where the topic asks for it, the time of appending.
   */
  acknowledged(topic: string, partition: number, offset: number, timestamp: number): void
  /** The record will not be sent again. After a `REQUEST_TIMED_OUT` or `NETWORK_EXCEPTION` it may nevertheless be in the topic. */
  failed(error: KafkaError): void
}
