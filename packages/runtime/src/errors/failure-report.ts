import type { FailurePlace, FailureReport } from '@millrace/rest-api'
import type { ConvertersInForce } from './converter-mismatch.ts'
import { diagnosisOf, oneLine } from './diagnosis.ts'
import type { FailedStage, Failure, FailureCause } from './failure.ts'

/** What else is known where a failure is reported. */
export interface FailureCircumstances {
  /** Takes secrets out of a text. Default: there are none. */
  readonly mask?: (text: string) => string
  /** Of a task, to compare bytes with that they could not read. */
  readonly converters?: ConvertersInForce
  /** When it happened. Default: now. */
  readonly at?: Date
}

const CAUSE_LENGTH_MAX = 500
/** Source partitions and offsets beyond this, as JSON, are not shown. */
const COORDINATES_LENGTH_MAX = 1_000

/**
 * The failure of a connector or task as users are shown it, without secrets. Called once, where it fails for good: a failure that has its report is
 * given back as it is.
 *
 * @param place where the reporter is; what the failure itself knows (stage, transformation, record) is added.
 */
export function reported(failure: Failure, place: FailurePlace, recentEvents: readonly string[], circumstances: FailureCircumstances = {}): Failure {
  if (failure.report !== null) return failure
  const { mask = (text: string) => text, converters = null, at = new Date() } = circumstances
  // Masked first: what is cut or put on one line cannot be found any more.
  const { hint, rootCause, advice } = diagnosisOf(
    failure.causes.map((cause) => masked(cause, mask)),
    converters,
  )
  const shown = withoutSecrets(failure, mask)
  const report: FailureReport = {
    root_cause: rootCause,
    class: hint.class,
    hint: hint.id,
    try: advice,
    where: placeOf(failure, place, mask),
    causes: shown.causes.map(({ javaClass, message }) => oneLine(message === '' ? javaClass : `${javaClass}: ${message}`, CAUSE_LENGTH_MAX)),
    at: at.toISOString(),
    later_failures: 0,
    recent_events: recentEvents.map(mask),
  }
  return { ...shown, report }
}

/** The same failure with its texts masked, and without the coordinates of records, which may be anything. */
export function withoutSecrets(failure: Failure, mask: (text: string) => string): Failure {
  const causes = failure.causes.map((cause) => ({ ...masked(cause, mask), stage: cause.stage === null ? null : withoutRecord(cause.stage) }))
  return { ...failure, message: mask(failure.message), trace: mask(failure.trace), causes }
}

function masked(cause: FailureCause, mask: (text: string) => string): FailureCause {
  return { ...cause, message: mask(cause.message), path: cause.path === null ? null : mask(cause.path) }
}

function withoutRecord({ record: _, ...stage }: FailedStage): FailedStage {
  return stage
}

/**
 * What stands in the status as `trace`: the root cause, the place and what to do, a line each, then the trace as Java would have it.
 * Only the latter where there is no report.
 */
export function statusTraceOf({ report, trace }: Failure): string {
  if (report === null) return trace
  return `${headlineOf(report)}\nat ${placeText(report.where)}\nTry: ${report.try}\n${trace}`
}

/** `root cause [MR-2101]`: the first line of the status' trace, and the beginning of the line in the log. */
export function headlineOf({ root_cause, hint }: Pick<FailureReport, 'root_cause' | 'hint'>): string {
  return `${root_cause} [${hint}]`
}

/** A place in words. */
export function placeText(place: FailurePlace): string {
  const { connector, task, stage, transform, topic, partition, offset, source_partition: sourcePartition, source_offset: sourceOffset } = place
  const parts = [
    `connector "${connector}"`,
    task === undefined ? null : `task ${task}`,
    stage ?? null,
    transform === undefined ? null : `transformation "${transform.alias}" (number ${transform.position})`,
    topic === undefined ? null : `topic "${topic}"`,
    partition === undefined ? null : `partition ${partition}`,
    offset === undefined ? null : `offset ${offset}`,
    sourcePartition === undefined ? null : `source partition ${JSON.stringify(sourcePartition)}`,
    sourceOffset === undefined ? null : `source offset ${JSON.stringify(sourceOffset)}`,
  ]
  return parts.filter((part) => part !== null).join(', ')
}

function placeOf({ causes }: Failure, place: FailurePlace, mask: (text: string) => string): FailurePlace {
  const failed = causes.find(({ stage }) => stage !== null)?.stage
  if (failed == null) return place
  const { stage, transform, record } = failed
  const { source_partition: sourcePartition, source_offset: sourceOffset, ...coordinates } = record ?? {}
  return {
    ...place,
    stage,
    ...(transform === undefined ? {} : { transform }),
    ...coordinates,
    ...shown('source_partition', sourcePartition, mask),
    ...shown('source_offset', sourceOffset, mask),
  }
}

/** A position in the source as JSON has it, or nothing where it cannot be shown. */
function shown(name: 'source_partition' | 'source_offset', value: Readonly<Record<string, unknown>> | undefined, mask: (text: string) => string) {
  if (value === undefined) return {}
  try {
    const text = JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : typeof each === 'string' ? mask(each) : each))
    return text.length > COORDINATES_LENGTH_MAX ? {} : { [name]: JSON.parse(text) as Readonly<Record<string, unknown>> }
  } catch {
    return {} // Not representable: the rest of the report is worth more.
  }
}
