import type { KafkaError, RequestInput, ResponseBody } from '@millrace/kafka-protocol'
import { type AdminRequests, type CallOptions, errorOf, type Outcome } from './admin-requests.ts'

export interface ConfigResource {
  readonly type: 'topic' | 'broker' | 'broker-logger' | 'client-metrics' | 'group'
  /** The topic or such; the id of the broker, empty for the defaults of all brokers. */
  readonly name: string
}

export interface ConfigEntry {
  readonly name: string
  /** Null for a sensitive value, and for none. */
  readonly value: string | null
  /** Where the value comes from, by Java's names; `UNKNOWN` for what only newer brokers know. */
  readonly source: ConfigSource | 'UNKNOWN'
  /** Whether it is set nowhere but in the broker's code: `source` is `DEFAULT_CONFIG`. */
  readonly isDefault: boolean
  readonly isReadOnly: boolean
  readonly isSensitive: boolean
}

export interface ConfigDescription extends ConfigResource, Outcome {
  readonly entries: readonly ConfigEntry[]
}

/** A value to set, null to go back to the default; or what is to be put to, or taken out of, a list of values. */
export type ConfigChange = string | null | { readonly append: string } | { readonly subtract: string }

export interface ConfigChanges extends ConfigResource {
  readonly configs: Readonly<Record<string, ConfigChange>>
}

export interface ConfigResult extends ConfigResource, Outcome {}

const resourceTypes: Readonly<Record<ConfigResource['type'], number>> = { topic: 2, broker: 4, 'broker-logger': 8, 'client-metrics': 16, group: 32 }

const configSources = {
  DYNAMIC_TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
  DYNAMIC_CLIENT_METRICS_CONFIG: 7,
  DYNAMIC_GROUP_CONFIG: 8,
} as const

export type ConfigSource = keyof typeof configSources

const Operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export async function describeConfigs(
  requests: AdminRequests,
  resources: readonly ConfigResource[],
  options: CallOptions,
): Promise<readonly ConfigDescription[]> {
  return await byBroker(resources, async (some, broker) => {
    const body: RequestInput<'DescribeConfigs'> = { resources: some.map((resource) => ({ ...wire(resource), configurationKeys: null })) }
    const { results } = await requests.untilDone('describeConfigs', () => send(requests, broker, 'DescribeConfigs', body), options)
    return some.map(({ type, name }) => {
      const { result, error } = resultOf({ type, name }, results)
      return { type, name, error, entries: error ? [] : (result?.configs.map(configEntry) ?? []) }
    })
  })
}

export async function incrementalAlterConfigs(
  requests: AdminRequests,
  changes: readonly ConfigChanges[],
  { validateOnly = false, ...options }: CallOptions & { readonly validateOnly?: boolean },
): Promise<readonly ConfigResult[]> {
  return await byBroker(changes, async (some, broker) => {
    const body: RequestInput<'IncrementalAlterConfigs'> = {
      resources: some.map((change) => ({ ...wire(change), configs: Object.entries(change.configs).map(([name, value]) => ({ name, ...operation(value) })) })),
      validateOnly,
    }
    const { responses } = await requests.untilDone('incrementalAlterConfigs', () => send(requests, broker, 'IncrementalAlterConfigs', body), options)
    return some.map(({ type, name }) => ({ type, name, error: resultOf({ type, name }, responses).error }))
  })
}

/** Asks the broker itself for what only it knows or can check; any broker for the rest. Gives the results in the order of the resources. */
async function byBroker<T extends ConfigResource, R extends ConfigResource>(
  resources: readonly T[],
  ask: (some: readonly T[], broker: number | null) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  const parts = new Map<number | null, T[]>()
  for (const resource of resources) {
    const isOfBroker = (resource.type === 'broker' || resource.type === 'broker-logger') && resource.name !== ''
    const broker = isOfBroker ? Number(resource.name) : null
    parts.set(broker, [...(parts.get(broker) ?? []), resource])
  }
  const results = (await Promise.all([...parts].map(([broker, some]) => ask(some, broker)))).flat()
  return resources.map(({ type, name }) => results.find((result) => result.type === type && result.name === name)!)
}

function send<A extends 'DescribeConfigs' | 'IncrementalAlterConfigs'>(requests: AdminRequests, broker: number | null, api: A, body: RequestInput<A>) {
  return broker === null ? requests.any(api, body) : requests.toBroker(broker, api, body)
}

function wire({ type, name }: ConfigResource): { resourceType: number; resourceName: string } {
  return { resourceType: resourceTypes[type], resourceName: name }
}

function operation(value: ConfigChange): { configOperation: number; value: string | null } {
  if (value === null) return { configOperation: Operation.delete, value }
  if (typeof value === 'string') return { configOperation: Operation.set, value }
  return 'append' in value ? { configOperation: Operation.append, value: value.append } : { configOperation: Operation.subtract, value: value.subtract }
}

type Answer = { readonly resourceType: number; readonly resourceName: string; readonly errorCode: number; readonly errorMessage: string | null }

function resultOf<A extends Answer>({ type, name }: ConfigResource, answers: readonly A[]): { result: A | undefined; error: KafkaError | null } {
  const result = answers.find(({ resourceType, resourceName }) => resourceType === resourceTypes[type] && resourceName === name)
  return { result, error: errorOf(`Settings of ${type} "${name}"`, result?.errorCode, result?.errorMessage) }
}

function configEntry({ name, value, configSource, readOnly, isSensitive }: ResponseBody<'DescribeConfigs'>['results'][number]['configs'][number]): ConfigEntry {
  const sources = Object.keys(configSources) as ConfigSource[]
  const source = sources.find((source) => configSources[source] === configSource) ?? 'UNKNOWN'
  return { name, value, source, isDefault: source === 'DEFAULT_CONFIG', isReadOnly: readOnly, isSensitive }
}
