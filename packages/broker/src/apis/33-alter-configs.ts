import { ErrorCode, errorByCode } from '@millrace/kafka-protocol'
import { apiHandler, type Request } from '../api-handler.ts'
import { alteredTopic, refusedConfig } from './44-incremental-alter-configs.ts'

type Setting = Request<'AlterConfigs'>['body']['resources'][number]['configs'][number]

/** AlterConfigs 0 to 2: all of a topic's own settings are replaced by those given. IncrementalAlterConfigs has come in its place (KIP-339). */
export const alterConfigs = apiHandler({
  api: 'AlterConfigs',
  versions: { min: 0, max: 2 },

  respond: ({ body }, services) => ({
    throttleTimeMs: 0,
    responses: body.resources.map((resource) => alteredTopic(resource, body.validateOnly, services, () => overridesOf(resource.configs))),
  }),
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

function overridesOf(configs: readonly Setting[]): Record<string, string> {
  const overrides: Record<string, string> = {}
  for (const { name, value } of configs) {
    if (value === null) throw refusedConfig(ErrorCode.INVALID_REQUEST, `Null value not supported for : ${name}`)
    overrides[name] = value
  }
  return overrides
}
