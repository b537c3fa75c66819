import { apiHandler } from '../api-handler.ts'
import { apiHandlers } from '../api-handlers.ts'
import { ApiKey } from '@millrace/kafka-protocol'

/** ApiVersions 0 to 4 (KIP-511): exactly the APIs and versions that are handled. An unknown version is answered before it comes here. */
export const apiVersions = apiHandler({
  api: 'ApiVersions',
  versions: { min: 0, max: 4 },

  respond: () => ({ errorCode: 0, apiKeys: offered() }),
  failed: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
})

function offered() {
  return [...apiHandlers.values()]
    .map(({ api, versions: { min, max } }) => ({ apiKey: ApiKey[api], minVersion: min, maxVersion: max }))
    .sort((a, b) => a.apiKey - b.apiKey)
}
