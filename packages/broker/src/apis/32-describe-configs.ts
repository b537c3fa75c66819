import { ErrorCode, errorByCode } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, NODE_ID, type Request } from '../api-handler.ts'
import { type DescribedConfig, describedBrokerConfigs, describedTopicConfigs } from '../config/described-configs.ts'

/** Numbers of the protocol. */
export const ResourceType = { TOPIC: 2, BROKER: 4, CLIENT_METRICS: 16, GROUP: 32 } as const

type Resource = Request<'DescribeConfigs'>['body']['resources'][number]

/** DescribeConfigs 1 to 4: of topics, with all of Kafka's settings, and of the broker, with those that are honoured. */
export const describeConfigs = apiHandler({
  api: 'DescribeConfigs',
  versions: { min: 1, max: 4 },

  respond: (request, services) => ({ throttleTimeMs: 0, results: request.body.resources.map((resource) => described(resource, request, services)) }),
  failed: ({ body }, errorCode) => ({ throttleTimeMs: 0, results: body.resources.map((resource) => failed(resource, errorCode)) }),
})

function described(resource: Resource, { body }: Request<'DescribeConfigs'>, services: BrokerServices) {
  const all = configsOf(resource, services)
  if (typeof all === 'number') return failed(resource, all)
  const { resourceType, resourceName, configurationKeys } = resource
  const configs = all
    .filter(({ name }) => configurationKeys === null || configurationKeys.includes(name))
    .map(({ synonyms, documentation, ...config }) => ({
      ...config,
      synonyms: body.includeSynonyms ? synonyms : [],
      documentation: body.includeDocumentation ? documentation : null,
    }))
  return { errorCode: 0, errorMessage: null, resourceType, resourceName, configs }
}

/** The configuration of a resource, or an error code. */
function configsOf({ resourceType, resourceName }: Resource, { topics, config }: BrokerServices): DescribedConfig[] | number {
  if (resourceType === ResourceType.TOPIC) {
    const topic = topics.get(resourceName)
    return topic ? describedTopicConfigs(topic.overrides, config) : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  }
  // Settings of subscriptions of metrics and of groups belong to protocols that are not offered.
  if (resourceType === ResourceType.CLIENT_METRICS || resourceType === ResourceType.GROUP) return []
  // The empty name asks for what holds for all brokers; nothing can be set there.
  if (resourceType === ResourceType.BROKER && resourceName === '') return []
  if (resourceType === ResourceType.BROKER && resourceName === String(NODE_ID)) return describedBrokerConfigs(config)
  return ErrorCode.INVALID_REQUEST
}

function failed({ resourceType, resourceName }: Resource, errorCode: number) {
  return { errorCode, errorMessage: errorByCode(errorCode).message, resourceType, resourceName, configs: [] }
}
