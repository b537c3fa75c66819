import { ConnectError, type ConnectRecord } from '@millrace/api'
import type { FailurePlace } from '@millrace/rest-api'

/** Where on its path a record can fail (`org.apache.kafka.connect.runtime.errors.Stage`). */
export type ErrorStage = 'TRANSFORMATION' | 'KEY_CONVERTER' | 'VALUE_CONVERTER' | 'HEADER_CONVERTER' | 'KAFKA_PRODUCE' | 'TASK_PUT'

/** The coordinates of a record: in Kafka, or in its source with the topic that it is meant for. */
export type RecordCoordinates = Pick<FailurePlace, 'topic' | 'partition' | 'offset' | 'source_partition' | 'source_offset'>

/** What is known of the failure beyond its cause. */
export interface StageDetails {
  readonly transform?: NonNullable<FailurePlace['transform']>
  readonly record?: RecordCoordinates
  /** What a converter could not read. Looked at when the failure is reported; must stay as it is until then. */
  readonly bytes?: Uint8Array
}

/** A record failed in a stage. Where errors are not tolerated this is what the task fails with, worded as in the original. */
export class StageError extends ConnectError {
  readonly stage: ErrorStage
  /** The Java class name of the plug-in that was at work. */
  readonly className: string
  readonly details: StageDetails
  /** Whether its cause may have a stack trace: false where very many records fail (`TraceBudget`). */
  readonly hasTrace: boolean

  /** @param cause what the plug-in threw, after all tries. */
  constructor(stage: ErrorStage, className: string, cause: unknown, details: StageDetails = {}) {
    const limit = Error.stackTraceLimit
    // There may be very many of them, and where the runtime was is of no interest: the cause tells where the plug-in was.
    Error.stackTraceLimit = 0
    super('Tolerance exceeded in error handler', { cause })
    Error.stackTraceLimit = limit
    this.hasTrace = limit !== 0
    this.stage = stage
    this.className = className
    this.details = details
  }
}

/** The coordinates of a record of a source or sink. */
export function coordinatesOf(record: ConnectRecord): RecordCoordinates {
  const { topic, sourcePartition, sourceOffset, originalTopic, originalKafkaPartition, originalKafkaOffset } = record as RecordOfEitherKind
  if (sourcePartition !== undefined) return { topic, source_partition: sourcePartition, source_offset: sourceOffset ?? {} }
  return { topic: originalTopic ?? topic, partition: originalKafkaPartition ?? -1, offset: originalKafkaOffset ?? -1 }
}

type RecordOfEitherKind = ConnectRecord & {
  readonly sourcePartition?: Readonly<Record<string, unknown>>
  readonly sourceOffset?: Readonly<Record<string, unknown>>
  readonly originalTopic?: string
  readonly originalKafkaPartition?: number
  readonly originalKafkaOffset?: number
}
