import { ConfigError, parseType, type Properties } from '@millrace/api'
import { propertiesWithPrefix } from '../config/config-transformer.ts'
import type { TopicCreationConfig, TopicCreationGroup } from '../thread/messages.ts'

const PREFIX = 'topic.creation.'
const OWN_KEYS = ['include', 'exclude', 'partitions', 'replication.factor']

/**
 * How a source connector wants its topics created (KIP-158), or null where it has no key `topic.creation.…`: the broker then creates them, or not.
 * @throws ConfigError where the default group lacks partitions or replication factor.
 */
export function topicCreationConfig(connectorConfig: Properties): TopicCreationConfig | null {
  const written = propertiesWithPrefix(connectorConfig, PREFIX)
  if (Object.keys(written).length === 0) return null
  const named = listOf(written['groups']).filter((name) => name !== 'default')
  const fallback = group('default', propertiesWithPrefix(written, 'default.'), null)
  return { groups: [...named.map((name) => group(name, propertiesWithPrefix(written, `${name}.`), fallback)), fallback] }
}

/** Groups take partitions and replication factor from the default group where they have none of their own. */
function group(name: string, properties: Properties, fallback: TopicCreationGroup | null): TopicCreationGroup {
  return {
    name,
    include: fallback === null ? [] : listOf(properties['include']),
    exclude: fallback === null ? [] : listOf(properties['exclude']),
    partitions: number(`${name}.partitions`, properties['partitions'], fallback?.partitions),
    replicationFactor: number(`${name}.replication.factor`, properties['replication.factor'], fallback?.replicationFactor),
    configs: Object.fromEntries(Object.entries(properties).filter(([key]) => !OWN_KEYS.includes(key))),
  }
}

function number(name: string, text: string | undefined, fallback: number | undefined): number {
  const key = PREFIX + name
  if (text !== undefined) return parseType(key, text, 'INT') as number
  if (fallback !== undefined) return fallback
  throw new ConfigError(`Missing required configuration "${key}" which has no default value.`, { key })
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
