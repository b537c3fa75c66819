import { ConfigDef, ConfigError, type ConfigKeyOptions, javaRegExp, lambda, parseType, type Properties, type Validator } from '@millrace/api'
import { propertiesWithPrefix } from './config-transformer.ts'

/** Of topics that are created: -1 leaves it to the broker. */
export const replicationFactorValidator: Validator = positiveOrDefault(
  "Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default",
)
/** As `replicationFactorValidator`. */
export const partitionsValidator: Validator = positiveOrDefault("Number of partitions must be positive, or -1 to use the broker's default")

/** KIP-158: which settings a topic gets that a source task creates. Groups in the order in which they are tried; the last one matches everything. */
export interface TopicCreationConfig {
  readonly groups: readonly TopicCreationGroup[]
}

export interface TopicCreationGroup {
  readonly name: string
  /** Java's regular expressions, one of which must match the whole name; empty `include` in the default group matches everything. */
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  /** -1: the broker's default. */
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: Properties
}

const PREFIX = 'topic.creation.'
const DEFAULT_GROUP = 'default'
const OWN_KEYS = ['include', 'exclude', 'partitions', 'replication.factor']

type NullableProperties = Readonly<Record<string, string | null>>

/**
 * How a source connector wants its topics created, or null where it has no key `topic.creation.…`: the broker then creates them, or not.
 * @throws ConfigError for the first mistake that `topicCreationErrors` tells.
 */
export function topicCreationConfig(connectorConfig: Properties): TopicCreationConfig | null {
  if (!usesTopicCreation(connectorConfig)) return null
  const fallback = group(DEFAULT_GROUP, connectorConfig, null)
  return { groups: [...namedGroups(connectorConfig).map((name) => group(name, connectorConfig, fallback)), fallback] }
}

/** What is wrong with the groups of a source connector, by key. That a name is listed twice is told by the definition of `topic.creation.groups`. */
export function topicCreationErrors(connectorConfig: NullableProperties): { readonly key: string; readonly message: string }[] {
  // Keys without a value are an error by themselves, and ask for no groups.
  const properties = Object.fromEntries(Object.entries(connectorConfig).filter((entry): entry is [string, string] => entry[1] !== null))
  if (!usesTopicCreation(properties)) return []
  return [...namedGroups(properties), DEFAULT_GROUP].flatMap((name) =>
    groupConfigDef(name, name === DEFAULT_GROUP ? null : { partitions: -1, replicationFactor: -1 })
      .validate(properties)
      .values.flatMap(({ name: key, errorMessages }) => errorMessages.map((message) => ({ key, message }))),
  )
}

/** Whether the default group is listed, which it need not be. */
export function listsDefaultGroup(connectorConfig: Properties): boolean {
  return listed(connectorConfig).includes(DEFAULT_GROUP)
}

function usesTopicCreation(connectorConfig: Properties): boolean {
  return Object.keys(connectorConfig).some((key) => key.startsWith(PREFIX))
}

function namedGroups(properties: Properties): string[] {
  return [...new Set(listed(properties))].filter((name) => name !== DEFAULT_GROUP)
}

function listed(properties: Properties): readonly string[] {
  return parseType(`${PREFIX}groups`, properties[`${PREFIX}groups`] ?? '', 'LIST') as readonly string[]
}

type Sizes = Pick<TopicCreationGroup, 'partitions' | 'replicationFactor'>

/** @param fallback the default group, from which others take what they do not say; null for itself. */
function group(name: string, properties: Properties, fallback: Sizes | null): TopicCreationGroup {
  const parsed = groupConfigDef(name, fallback).parse(properties) as Readonly<Record<string, unknown>>
  const value = (key: string) => parsed[`${PREFIX}${name}.${key}`]
  return {
    name,
    include: fallback === null ? [] : (value('include') as readonly string[]),
    exclude: fallback === null ? [] : (value('exclude') as readonly string[]),
    partitions: value('partitions') as number,
    replicationFactor: value('replication.factor') as number,
    configs: Object.fromEntries(Object.entries(propertiesWithPrefix(properties, `${PREFIX}${name}.`)).filter(([key]) => !OWN_KEYS.includes(key))),
  }
}

function groupConfigDef(name: string, fallback: Sizes | null): ConfigDef {
  const define = (definition: ConfigDef, key: string, options: Pick<ConfigKeyOptions, 'type' | 'default' | 'validator' | 'documentation'>) =>
    definition.define(`${PREFIX}${name}.${key}`, { importance: 'LOW', ...options }) as ConfigDef
  const required = <Key extends keyof Sizes>(key: Key) => (fallback === null ? {} : { default: fallback[key] })
  let definition = new ConfigDef()
  // The default group takes whatever no other group took: its expressions are ignored.
  if (fallback !== null) {
    definition = define(definition, 'include', { type: 'LIST', default: [], validator: regexes, documentation: 'Names of topics that belong to the group.' })
    definition = define(definition, 'exclude', { type: 'LIST', default: [], validator: regexes, documentation: 'Names of topics that do not.' })
  }
  definition = define(definition, 'replication.factor', {
    type: 'SHORT',
    ...required('replicationFactor'),
    validator: replicationFactorValidator,
    documentation: "Replicas of new topics of the group; -1 for the broker's default.",
  })
  return define(definition, 'partitions', {
    type: 'INT',
    ...required('partitions'),
    validator: partitionsValidator,
    documentation: "Partitions of new topics of the group; -1 for the broker's default.",
  })
}

function positiveOrDefault(complaint: string): Validator {
  return lambda((key, value) => {
    // Null: missing or no number, which is told already.
    const number = value as number | null
    if (number !== null && number !== -1 && number < 1) throw ConfigError.invalidValue(key, number, complaint)
  }, "Positive number, or -1 to use the broker's default")
}

const regexes = lambda((key, value) => {
  for (const expression of (value as readonly string[] | null) ?? []) {
    try {
      javaRegExp(expression)
    } catch (error) {
      throw ConfigError.invalidValue(key, value, `Syntax error in regular expression: ${(error as Error).message}`)
    }
  }
}, 'regular expressions')
