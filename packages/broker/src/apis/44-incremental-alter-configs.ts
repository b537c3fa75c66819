import { ErrorCode, errorByCode, KafkaError, kafkaError } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'
import { changedOverrides } from '../config/changed-overrides.ts'
import type { TopicOverrides } from '../config/topic-config.ts'
import { ResourceType } from './32-describe-configs.ts'

type Resource = Request<'IncrementalAlterConfigs'>['body']['resources'][number]

/** IncrementalAlterConfigs 0 to 1 (KIP-339): of topics, at once. The broker's own properties are read when it starts, so they are refused. */
export const incrementalAlterConfigs = apiHandler({
  api: 'IncrementalAlterConfigs',
  versions: { min: 0, max: 1 },

  respond: ({ body }, services) => ({ throttleTimeMs: 0, responses: body.resources.map((resource) => altered(resource, body.validateOnly, services)) }),
  failed: ({ body }, errorCode) => ({
    throttleTimeMs: 0,
    responses: body.resources.map(({ resourceType, resourceName }) => ({
      errorCode,
      errorMessage: errorByCode(errorCode).message,
      resourceType,
      resourceName,
    })),
  }),
})

function altered(resource: Resource, isValidatedOnly: boolean, services: BrokerServices) {
  return alteredTopic(resource, isValidatedOnly, services, (overrides) => changedOverrides(overrides, resource.configs, services.config.topicDefaults))
}

/** Gives a topic the settings that `next` makes of its present ones, and answers for it; any other resource is refused. */
export function alteredTopic(
  { resourceType, resourceName }: { readonly resourceType: number; readonly resourceName: string },
  isValidatedOnly: boolean,
  { topics }: BrokerServices,
  next: (overrides: TopicOverrides) => TopicOverrides,
) {
  try {
    if (resourceType !== ResourceType.TOPIC) {
      throw refusedConfig(ErrorCode.INVALID_REQUEST, 'The embedded broker changes the settings of topics only; its own are read when it starts.')
    }
    const topic = topics.get(resourceName)
    if (!topic) throw refusedConfig(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resourceName}' does not exist.`)
    topics.alterConfig(resourceName, next(topic.overrides), isValidatedOnly)
    return { errorCode: 0, errorMessage: null, resourceType, resourceName }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { errorCode: error.errorCode, errorMessage: error.message, resourceType, resourceName }
  }
}

export function refusedConfig(code: number, message: string): KafkaError {
  const error = kafkaError(code)
  error.message = message
  return error
}
