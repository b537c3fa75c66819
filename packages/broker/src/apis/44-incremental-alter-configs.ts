import { ErrorCode, errorByCode, KafkaError, kafkaError } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices, type Request } from '../api-handler.ts'
import { changedOverrides } from '../config/changed-overrides.ts'
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

function altered({ resourceType, resourceName, configs }: Resource, isValidatedOnly: boolean, { topics, config }: BrokerServices) {
  try {
    if (resourceType !== ResourceType.TOPIC) {
      throw refused(ErrorCode.INVALID_REQUEST, 'The embedded broker changes the settings of topics only; its own are read when it starts.')
    }
    const topic = topics.get(resourceName)
    if (!topic) throw refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resourceName}' does not exist.`)
    topics.alterConfig(resourceName, changedOverrides(topic.overrides, configs, config.topicDefaults), isValidatedOnly)
    return { errorCode: 0, errorMessage: null, resourceType, resourceName }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { errorCode: error.errorCode, errorMessage: error.message, resourceType, resourceName }
  }
}

function refused(code: number, message: string): KafkaError {
  const error = kafkaError(code)
  error.message = message
  return error
}
