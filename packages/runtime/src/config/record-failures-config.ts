import { ConfigDef, javaRegExp, type Properties, range, validString } from '@millrace/api'
import type { ConfigKeyError } from './connector-config.ts'

/** What is done for records that fail, beyond what `errors.*` of the original offer. */
export interface RecordFailuresConfig {
  readonly put: {
    /** Whether records that `put` cannot write become dead letters. */
    readonly isTolerated: boolean
    /** Most calls of `put` for one batch. */
    readonly attemptsMax: number
  }
  /** Records that may fail before the task does; -1: no limit. */
  readonly budget: { readonly recordsMax: number; readonly perMinuteMax: number }
  /** Null where later records of a key overtake its dead letters. */
  readonly quarantine: { readonly topic: string; readonly keysMax: number } | null
  /** Whether the dead-letter topic of a source is used. */
  readonly hasSourceDeadLetters: boolean
  readonly imbalanceAction: 'log' | 'fail'
  /** Records that fail within a second and have stack traces; -1: all. */
  readonly tracesPerSecondMax: number
}

const TOPIC = 'errors.deadletterqueue.topic.name'
const PUT = 'millrace.errors.put.tolerance'
const QUARANTINE = 'millrace.errors.quarantine.enable'
const QUARANTINE_TOPIC = 'millrace.errors.quarantine.topic.name'
const SOURCE = 'millrace.errors.source.deadletterqueue.enable'

/** Settings of a connector. */
export const recordFailuresConfigDef = new ConfigDef()
  .define(PUT, {
    type: 'STRING',
    default: 'none',
    importance: 'MEDIUM',
    validator: validString.in('none', 'all'),
    documentation:
      'all: records that a sink cannot write go to the dead-letter topic, and the others of their batch are written. For sinks that name such records, or that declare themselves idempotent or transactional; the batch is split then until they are found. none: they fail the task, as in the original.',
  })
  .define('millrace.errors.put.attempts.max', {
    type: 'INT',
    default: 1_000,
    importance: 'LOW',
    validator: range.between(2, 1_000_000),
    documentation: 'Most calls of put for one batch while the records at fault are looked for; then the task fails.',
  })
  .define('millrace.errors.budget.records', {
    type: 'LONG',
    default: -1,
    importance: 'MEDIUM',
    validator: range.atLeast(-1),
    documentation: 'Most records that may fail and be tolerated while a task runs; the next one fails the task. -1: no limit.',
  })
  .define('millrace.errors.budget.per.minute', {
    type: 'LONG',
    default: -1,
    importance: 'MEDIUM',
    validator: range.atLeast(-1),
    documentation: 'Most records that may fail and be tolerated within any 60 seconds of a task; the next one fails the task. -1: no limit.',
  })
  .define(QUARANTINE, {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    documentation:
      'Sinks: once a record became a dead letter, later records of the same key do, too, until the key is released. So no later update overtakes one that is missing.',
  })
  .define('millrace.errors.quarantine.keys.max', {
    type: 'INT',
    default: 10_000,
    importance: 'LOW',
    validator: range.between(1, 1_000_000),
    documentation: 'Most keys that a task keeps in quarantine; one more fails the task.',
  })
  .define(QUARANTINE_TOPIC, {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    documentation:
      'Compacted topic that keeps the keys in quarantine; created where it is missing. Default: the dead-letter topic, with ".quarantine" behind it.',
  })
  .define(SOURCE, {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    documentation: `Sources: with errors.tolerance=all, records that fail go to the topic that ${TOPIC} names. That key means nothing to sources otherwise.`,
  })
  .define('millrace.errors.traces.per.second', {
    type: 'LONG',
    default: 100,
    importance: 'LOW',
    validator: range.atLeast(-1),
    documentation:
      'Records of a task that may fail within a second with a full stack trace in the header exception.stacktrace of their dead letters; of further ones it has class and message of the error and its causes. To capture a trace costs more than all else that is done for such a record. -1: no limit, as in the original.',
  })
  .define('millrace.ledger.imbalance.action', {
    type: 'STRING',
    default: 'log',
    importance: 'LOW',
    validator: validString.in('log', 'fail'),
    documentation:
      'What happens when the records that a task read are not all accounted for, which would be a defect of the runtime. log: a line, and a count in the status. fail: the task fails as well.',
  })

/** Reads what validation has accepted. */
export function recordFailuresConfig(connectorConfig: Properties): RecordFailuresConfig {
  const parsed = recordFailuresConfigDef.parse(connectorConfig)
  return {
    put: { isTolerated: parsed[PUT] === 'all', attemptsMax: parsed['millrace.errors.put.attempts.max'] },
    budget: { recordsMax: parsed['millrace.errors.budget.records'], perMinuteMax: parsed['millrace.errors.budget.per.minute'] },
    quarantine: parsed[QUARANTINE] ? { topic: quarantineTopic(connectorConfig), keysMax: parsed['millrace.errors.quarantine.keys.max'] } : null,
    hasSourceDeadLetters: parsed[SOURCE],
    tracesPerSecondMax: parsed['millrace.errors.traces.per.second'],
    imbalanceAction: parsed['millrace.ledger.imbalance.action'] as 'log' | 'fail',
  }
}

/** What is wrong with these settings together. */
export function recordFailuresErrors(kind: 'source' | 'sink', properties: Readonly<Record<string, string | null>>): ConfigKeyError[] {
  const text = (key: string): string => properties[key]?.trim().toLowerCase() ?? ''
  const wanted = [...(text(PUT) === 'all' ? [PUT] : []), ...[QUARANTINE, SOURCE].filter((key) => text(key) === 'true')]
  return wanted.flatMap((key) => {
    const value = properties[key]
    if ((key === SOURCE) !== (kind === 'source')) {
      return [
        {
          key,
          message: `Invalid value ${value} for configuration ${key}: It is for ${kind === 'source' ? 'sinks' : 'sources'}, and this connector is a ${kind}.`,
        },
      ]
    }
    if (text(TOPIC) === '') return [{ key, message: `Invalid value ${value} for configuration ${key}: It needs a dead-letter topic. Set ${TOPIC}.` }]
    if (key === SOURCE && text('errors.tolerance') !== 'all') {
      return [{ key, message: `Invalid value ${value} for configuration ${key}: It needs errors.tolerance=all.` }]
    }
    return key === QUARANTINE ? ownTopicErrors(properties) : []
  })
}

/** A sink must not read the topic that its own quarantine is kept in. */
function ownTopicErrors(properties: Readonly<Record<string, string | null>>): ConfigKeyError[] {
  const topic = quarantineTopic(properties)
  const topics = (properties['topics'] ?? '').split(',').map((name) => name.trim())
  const regex = properties['topics.regex']?.trim() ?? ''
  const key = topics.includes(topic) ? 'topics' : regex !== '' && matches(regex, topic) ? 'topics.regex' : null
  return key === null
    ? []
    : [{ key, message: `Invalid value ${properties[key]} for configuration ${key}: The topic of the quarantine, ${topic}, is among them.` }]
}

function quarantineTopic(properties: Readonly<Record<string, string | null>>): string {
  return properties[QUARANTINE_TOPIC]?.trim() || `${properties[TOPIC]?.trim() ?? ''}.quarantine`
}

function matches(regex: string, topic: string): boolean {
  try {
    return javaRegExp(regex).test(topic)
  } catch {
    // That it is no regular expression is told by its own validator.
    return false
  }
}
