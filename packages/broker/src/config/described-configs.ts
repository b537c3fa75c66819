import type { BrokerConfig } from './broker-config.ts'
import { brokerSettings } from './broker-config.ts'
import type { ConfigType } from './config-values.ts'
import { type TopicOverrides, type TopicSetting, topicSettings } from './topic-config.ts'

/** Numbers of the protocol. */
const Source = { DYNAMIC_TOPIC_CONFIG: 1, STATIC_BROKER_CONFIG: 4, DEFAULT_CONFIG: 5 } as const
const typeNumbers: Record<ConfigType, number> = { BOOLEAN: 1, STRING: 2, INT: 3, LONG: 5, DOUBLE: 6, LIST: 7 }

/** One setting as DescribeConfigs and CreateTopics answer it. */
export interface DescribedConfig {
  readonly name: string
  readonly value: string
  readonly readOnly: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  readonly configType: number
  readonly documentation: string | null
  /** Where the value could come from, the one in force first. */
  readonly synonyms: readonly { readonly name: string; readonly value: string; readonly source: number }[]
}

/** All settings of a topic in force, in the order of the names. */
export function describedTopicConfigs(overrides: TopicOverrides, { topicDefaults }: BrokerConfig): DescribedConfig[] {
  return topicSettings.map((setting) => {
    const { name, brokerName } = setting
    const synonyms = []
    if (overrides[name] !== undefined) synonyms.push({ name, value: overrides[name], source: Source.DYNAMIC_TOPIC_CONFIG })
    if (topicDefaults[name] !== undefined) {
      synonyms.push({ name: brokerName ?? name, value: topicDefaults[name], source: Source.STATIC_BROKER_CONFIG })
    }
    synonyms.push({ name: brokerName ?? name, value: setting.default, source: Source.DEFAULT_CONFIG })
    return described(setting, synonyms, false)
  })
}

/** The properties of the broker, those of the defaults of topics included. */
export function describedBrokerConfigs({ values, given, topicDefaults }: BrokerConfig): DescribedConfig[] {
  const own = brokerSettings.map((setting) => {
    const synonyms = [{ name: setting.name, value: setting.default, source: Source.DEFAULT_CONFIG as number }]
    if (given.has(setting.name)) synonyms.unshift({ name: setting.name, value: values.get(setting.name)!, source: Source.STATIC_BROKER_CONFIG })
    return described({ ...setting, withoutEffect: null }, synonyms, true)
  })
  const ofTopics = topicSettings.flatMap((setting) => {
    const { name: topicName, brokerName: name } = setting
    if (name === null) return []
    const synonyms = [{ name, value: setting.default, source: Source.DEFAULT_CONFIG as number }]
    const value = topicDefaults[topicName]
    if (value !== undefined) synonyms.unshift({ name, value, source: Source.STATIC_BROKER_CONFIG })
    return [described({ ...setting, name }, synonyms, true)]
  })
  return [...own, ...ofTopics].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function described(
  { name, type, withoutEffect }: Pick<TopicSetting, 'name' | 'type' | 'withoutEffect'>,
  synonyms: DescribedConfig['synonyms'],
  readOnly: boolean,
): DescribedConfig {
  const [inForce] = synonyms
  return {
    name,
    value: inForce!.value,
    readOnly,
    configSource: inForce!.source,
    isSensitive: false,
    configType: typeNumbers[type],
    documentation: withoutEffect === null ? null : `Without effect in the embedded broker. ${withoutEffect}`,
    synonyms,
  }
}
