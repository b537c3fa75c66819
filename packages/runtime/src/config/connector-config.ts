import {
  caseInsensitiveValidString,
  ConfigDef,
  ConfigError,
  javaRegExp,
  lambda,
  nonEmptyString,
  nonEmptyStringWithoutControlChars,
  type Recommender,
  range,
  type Validator,
  validList,
  validString,
} from '@millrace/api'
import { nearestName } from './nearest-name.ts'
import { recordFailuresConfigDef } from './record-failures-config.ts'
import { supervisionConfigDef } from './supervision-config.ts'

/** What a converter key of a connector offers and defaults to. All null or empty where only the framework's own keys can be told. */
export interface ConverterChoices {
  /** Class of the worker's converter, which a connector without its own uses. */
  readonly defaultClass: string | null
  readonly classes: readonly string[]
  /** Says what is wrong with a class that was named. */
  readonly validator: Validator | null
  readonly defaultVersion: string | null
  readonly versions: readonly string[]
  readonly isVersionVisible: boolean
}

/** What depends on the plug-ins at hand and on what was written. */
export interface ConnectorChoices {
  readonly defaultVersion: string | null
  readonly versions: readonly string[]
  readonly keyConverter: ConverterChoices
  readonly valueConverter: ConverterChoices
  readonly headerConverter: ConverterChoices
}

export const NO_CONVERTER_CHOICES: ConverterChoices = {
  defaultClass: null,
  classes: [],
  validator: null,
  defaultVersion: null,
  versions: [],
  isVersionVisible: false,
}

/**
 * The keys that every connector has (`ConnectorConfig`, `SourceConnectorConfig`, `SinkConnectorConfig`), in the original's order.
 * @param kind null: only those that both kinds share
 */
export function connectorConfigDef(kind: 'source' | 'sink' | null, choices: ConnectorChoices): ConfigDef {
  const base = baseConfigDef(choices)
  if (kind === null) return base
  return kind === 'source' ? base.merge(sourceConfigDef) : base.merge(sinkConfigDef)
}

const COMMON = 'Common'
const ERRORS = 'Error Handling'
const EXACTLY_ONCE = 'Exactly Once Support'

function baseConfigDef({ defaultVersion, versions, keyConverter, valueConverter, headerConverter }: ConnectorChoices): ConfigDef {
  return new ConfigDef()
    .define('name', {
      type: 'STRING',
      importance: 'HIGH',
      validator: nonEmptyStringWithoutControlChars,
      group: COMMON,
      orderInGroup: 1,
      width: 'MEDIUM',
      displayName: 'Connector name',
      documentation: 'Name of the connector, unique in the cluster.',
    })
    .define('connector.class', {
      type: 'STRING',
      importance: 'HIGH',
      group: COMMON,
      orderInGroup: 2,
      width: 'LONG',
      displayName: 'Connector class',
      documentation: 'Class of the connector, or its name without package, with or without the ending "Connector".',
    })
    .define('connector.plugin.version', {
      type: 'STRING',
      default: defaultVersion,
      importance: 'MEDIUM',
      group: COMMON,
      orderInGroup: 3,
      width: 'MEDIUM',
      displayName: 'Connector version',
      recommender: recommending(versions),
      documentation: 'Version of the connector, or a range of versions in Maven notation; the highest that fits is used.',
    })
    .define('tasks.max', {
      type: 'INT',
      default: 1,
      importance: 'HIGH',
      validator: range.atLeast(1),
      group: COMMON,
      orderInGroup: 4,
      width: 'SHORT',
      displayName: 'Tasks max',
      documentation: 'Most tasks that the connector may be divided into.',
    })
    .define('tasks.max.enforce', {
      type: 'BOOLEAN',
      default: true,
      importance: 'LOW',
      group: COMMON,
      orderInGroup: 5,
      width: 'SHORT',
      displayName: 'Enforce tasks max',
      documentation: 'Whether a connector that makes more tasks than tasks.max fails; otherwise there is only a warning.',
    })
    .define('key.converter', converterKey('Key', 6, keyConverter))
    .define('key.converter.plugin.version', converterVersionKey('Key', 7, keyConverter))
    .define('value.converter', converterKey('Value', 8, valueConverter))
    .define('value.converter.plugin.version', converterVersionKey('Value', 9, valueConverter))
    .define('header.converter', converterKey('Header', 10, headerConverter))
    .define('header.converter.plugin.version', converterVersionKey('Header', 11, headerConverter))
    .define('transforms', {
      type: 'LIST',
      default: [],
      importance: 'LOW',
      validator: uniqueAliases('transformation'),
      group: 'Transforms',
      orderInGroup: 12,
      width: 'LONG',
      displayName: 'Transforms',
      documentation: 'Aliases of the transformations that records pass, in their order.',
    })
    .define('predicates', {
      type: 'LIST',
      default: [],
      importance: 'LOW',
      validator: uniqueAliases('predicate'),
      group: 'Predicates',
      orderInGroup: 13,
      width: 'LONG',
      displayName: 'Predicates',
      documentation: 'Aliases of the predicates that transformations refer to.',
    })
    .define('config.action.reload', {
      type: 'STRING',
      default: 'restart',
      importance: 'LOW',
      validator: validString.in('none', 'restart'),
      group: COMMON,
      orderInGroup: 14,
      width: 'MEDIUM',
      displayName: 'Reload Action',
      documentation: 'What to do when a configuration provider tells that a value has expired. The providers that are built in never do.',
    })
    .define('errors.retry.timeout', {
      type: 'LONG',
      default: 0,
      importance: 'MEDIUM',
      group: ERRORS,
      orderInGroup: 1,
      width: 'MEDIUM',
      displayName: 'Retry Timeout for Errors',
      documentation: 'Milliseconds for which a failed operation is tried again; 0 for never, -1 for ever.',
    })
    .define('errors.retry.delay.max.ms', {
      type: 'LONG',
      default: 60000,
      importance: 'MEDIUM',
      group: ERRORS,
      orderInGroup: 2,
      width: 'MEDIUM',
      displayName: 'Maximum Delay Between Retries for Errors',
      documentation: 'Most milliseconds between two tries.',
    })
    .define('errors.tolerance', {
      type: 'STRING',
      default: 'none',
      importance: 'MEDIUM',
      validator: validString.in('none', 'all'),
      group: ERRORS,
      orderInGroup: 3,
      width: 'SHORT',
      displayName: 'Error Tolerance',
      documentation: 'none: a record that fails ends the task. all: it is skipped.',
    })
    .define('errors.log.enable', {
      type: 'BOOLEAN',
      default: false,
      importance: 'MEDIUM',
      group: ERRORS,
      orderInGroup: 4,
      width: 'SHORT',
      displayName: 'Log Errors',
      documentation: 'Whether each failed operation is logged.',
    })
    .define('errors.log.include.messages', {
      type: 'BOOLEAN',
      default: false,
      importance: 'MEDIUM',
      group: ERRORS,
      orderInGroup: 5,
      width: 'SHORT',
      displayName: 'Log Error Details',
      documentation: 'Whether the log tells which record failed.',
    })
}

function converterKey(role: 'Key' | 'Value' | 'Header', orderInGroup: number, choices: ConverterChoices) {
  return {
    type: 'CLASS',
    default: choices.defaultClass,
    importance: 'LOW',
    ...(choices.validator === null ? {} : { validator: choices.validator }),
    group: COMMON,
    orderInGroup,
    width: 'SHORT',
    displayName: `${role} converter class`,
    recommender: recommending(choices.classes),
    documentation: `Converter of this connector for record ${role.toLowerCase()}s, in place of the worker's.`,
  } as const
}

function converterVersionKey(role: 'Key' | 'Value' | 'Header', orderInGroup: number, choices: ConverterChoices) {
  return {
    type: 'STRING',
    default: choices.defaultVersion,
    importance: 'LOW',
    group: COMMON,
    orderInGroup,
    width: 'SHORT',
    displayName: `${role} converter version`,
    recommender: recommending(choices.versions, choices.isVersionVisible),
    documentation: `Version, or range of versions, of the ${role.toLowerCase()} converter.`,
  } as const
}

function recommending(values: readonly string[], isVisible = true): Recommender {
  return { validValues: () => values, visible: () => isVisible }
}

/** The aliases in `transforms` or `predicates`, each once, in their order. */
export function aliasesOf(list: string | null | undefined): string[] {
  return [...new Set((list ?? '').split(',').map((alias) => alias.trim()))].filter((alias) => alias !== '')
}

function uniqueAliases(what: string): Validator {
  return lambda((name, value) => {
    const aliases = value as readonly string[] | null
    if (aliases !== null && new Set(aliases).size < aliases.length) throw ConfigError.invalidValue(name, aliases, 'Duplicate alias provided.')
  }, `non-null string, unique ${what} aliases`)
}

const sourceConfigDef = new ConfigDef()
  .define('topic.creation.groups', {
    type: 'LIST',
    default: [],
    importance: 'LOW',
    validator: uniqueAliases('topic creation'),
    group: 'Topic Creation',
    orderInGroup: 1,
    width: 'LONG',
    displayName: 'Topic Creation Groups',
    documentation: 'Groups of topics that are created with settings of their own.',
  })
  .define('exactly.once.support', {
    type: 'STRING',
    default: 'requested',
    importance: 'MEDIUM',
    validator: caseInsensitiveValidString.in('REQUIRED', 'REQUESTED'),
    group: EXACTLY_ONCE,
    orderInGroup: 2,
    width: 'SHORT',
    displayName: 'Exactly once support',
    documentation: 'required: the connector is refused where it cannot deliver exactly once. requested: it runs all the same.',
  })
  .define('transaction.boundary', {
    type: 'STRING',
    default: 'poll',
    importance: 'MEDIUM',
    validator: caseInsensitiveValidString.in('INTERVAL', 'POLL', 'CONNECTOR'),
    group: EXACTLY_ONCE,
    orderInGroup: 3,
    width: 'SHORT',
    displayName: 'Transaction Boundary',
    documentation: 'When transactions end: after each poll, in an interval, or where the connector says.',
  })
  .define('transaction.boundary.interval.ms', {
    type: 'LONG',
    default: null,
    importance: 'LOW',
    validator: optional(range.atLeast(0)),
    group: EXACTLY_ONCE,
    orderInGroup: 4,
    width: 'SHORT',
    displayName: 'Transaction boundary interval',
    documentation: "Milliseconds between two ends of transactions where they end in an interval. Default: the worker's offset.flush.interval.ms.",
  })
  .define('offsets.storage.topic', {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    validator: nonEmptyString,
    group: 'offsets.topic',
    orderInGroup: 1,
    width: 'LONG',
    displayName: 'Offsets topic',
    documentation: 'Topic for the offsets of this connector alone.',
  })

function optional(validator: Validator): Validator {
  return lambda((name, value) => {
    if (value !== null) validator.ensureValid(name, value)
  }, String(validator))
}

const regexValidator = lambda((name, value) => {
  if (value === null || value === '') return
  try {
    javaRegExp(value as string)
  } catch (error) {
    throw ConfigError.invalidValue(name, value, `Invalid regex: ${(error as Error).message}`)
  }
}, 'valid regex')

const sinkConfigDef = new ConfigDef()
  .define('topics', {
    type: 'LIST',
    default: [],
    importance: 'HIGH',
    validator: validList.anyNonDuplicateValues(),
    group: COMMON,
    orderInGroup: 4,
    width: 'LONG',
    displayName: 'Topics',
    documentation: 'Topics that the connector reads, separated by commas.',
  })
  .define('topics.regex', {
    type: 'STRING',
    default: '',
    importance: 'HIGH',
    validator: regexValidator,
    group: COMMON,
    orderInGroup: 4,
    width: 'LONG',
    displayName: 'Topics regex',
    documentation: 'Regular expression for the names of topics that the connector reads, in place of topics.',
  })
  .define('errors.deadletterqueue.topic.name', {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    group: ERRORS,
    orderInGroup: 6,
    width: 'MEDIUM',
    displayName: 'Dead Letter Queue Topic Name',
    documentation: 'Topic for records that fail. Empty: they are not kept.',
  })
  .define('errors.deadletterqueue.topic.replication.factor', {
    type: 'SHORT',
    default: 3,
    importance: 'MEDIUM',
    group: ERRORS,
    orderInGroup: 7,
    width: 'MEDIUM',
    displayName: 'Dead Letter Queue Topic Replication Factor',
    documentation: 'Replication factor of that topic where it has to be created.',
  })
  .define('errors.deadletterqueue.context.headers.enable', {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    group: ERRORS,
    orderInGroup: 8,
    width: 'MEDIUM',
    displayName: 'Enable Error Context Headers',
    documentation: 'Whether headers tell where such a record came from and why it failed.',
  })

export interface ConfigKeyError {
  readonly key: string
  readonly message: string
}

/** What is wrong with a sink's choice of topics (`SinkConnectorConfig.validate`). One mistake counts on each key that it concerns. */
export function sinkTopicErrors(properties: Readonly<Record<string, string | null>>): ConfigKeyError[] {
  const topics = listOf(properties.topics)
  const regex = properties['topics.regex']?.trim() ?? ''
  const onBoth = (message: string): ConfigKeyError[] => ['topics', 'topics.regex'].map((key) => ({ key, message }))
  if (topics.length > 0 && regex !== '') return onBoth('topics and topics.regex are mutually exclusive options, but both are set.')
  if (topics.length === 0 && regex === '') return onBoth('Must configure one of topics or topics.regex')
  const deadLetters = properties['errors.deadletterqueue.topic.name']?.trim() ?? ''
  if (deadLetters === '') return []
  if (topics.includes(deadLetters)) {
    return [
      {
        key: 'topics',
        message: `The DLQ topic '${deadLetters}' may not be included in the list of topics ('topics=[${topics.join(', ')}]') consumed by the connector`,
      },
    ]
  }
  if (regex !== '' && matchesWhole(regex, deadLetters)) {
    return [
      {
        key: 'topics.regex',
        message: `The DLQ topic '${deadLetters}' may not be matched by the regex for the topics ('topics.regex=${regex}') consumed by the connector`,
      },
    ]
  }
  return []
}

function listOf(text: string | null | undefined): readonly string[] {
  const elements = (text ?? '').split(',').map((element) => element.trim())
  return [...new Set(elements.filter((element) => element !== ''))]
}

function matchesWhole(regex: string, text: string): boolean {
  try {
    return javaRegExp(regex).test(text)
  } catch {
    // That it is no regular expression is told by its own validator.
    return false
  }
}

/** Our own settings of connectors of both kinds. Shown by validation only where they are given: a connector's form stays the original's. */
export const millraceConnectorConfigDef = new ConfigDef()
  .define('millrace.task.isolation', {
    type: 'STRING',
    default: 'shared',
    importance: 'LOW',
    validator: validString.in('shared', 'dedicated'),
    documentation: 'dedicated: each task of the connector has a thread of its own. shared: only while there are enough threads (millrace.task.threads.max).',
  })
  .merge(supervisionConfigDef)
  .merge(recordFailuresConfigDef)

/** What is wrong with settings of ours in a connector's configuration: other keys of that prefix are mistakes. */
export function ownKeyErrors(properties: Readonly<Record<string, string | null>>): ConfigKeyError[] {
  const given = Object.entries(properties).filter(([key, value]) => key.startsWith('millrace.') && value !== null)
  const known = [...millraceConnectorConfigDef.keys.keys()]
  const unknown = given.filter(([key]) => !known.includes(key)).map(([key]) => ({ key, message: unknownKey(key, known) }))
  // What could not be parsed is complained of once, not as missing too.
  const { values } = millraceConnectorConfigDef.validate(Object.fromEntries(given))
  return [...unknown, ...values.flatMap(({ name, errorMessages }) => errorMessages.slice(0, 1).map((message) => ({ key: name, message })))]
}

function unknownKey(key: string, known: readonly string[]): string {
  const nearest = nearestName(key, known)
  return nearest === null ? `Unknown configuration ${key}. Known are: ${known.join(', ')}` : `Unknown configuration ${key}. Did you mean ${nearest}?`
}
