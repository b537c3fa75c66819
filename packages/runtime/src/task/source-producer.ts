import { isRetriable, type SerializedData } from '@millrace/api'
import type { SerializedHeader } from './source-converters.ts'
import type { SubmittedRecord } from './submitted-records.ts'

/** What a source task needs of the Kafka producer. */
export interface SourceProducer {
  /** Appends to a batch; the answer goes to `completion`. Only while `hasRoom()`. @throws where the message can never be sent. */
  send(
    topic: string,
    partition: number | null,
    timestamp: number,
    key: SerializedData,
    value: SerializedData,
    headers: readonly SerializedHeader[] | null,
    completion: SubmittedRecord,
  ): void
  hasRoom(): boolean
  /** Resolves when there is room again; rejects after `max.block.ms` or when the producer is closed. */
  room(): Promise<void>
  /** Resolves when everything sent so far has an answer. */
  flush(): Promise<void>
  close(options: { readonly timeoutMs: number }): Promise<void>
}

/** Whether the same call to Kafka may succeed later: errors of the client say `retriable`, those of Connect `isRetriable`. */
export function isRetriableKafkaError(error: unknown): boolean {
  return isRetriable(error) || (error as { retriable?: unknown } | null | undefined)?.retriable === true
}
