import { ApiKey } from '@millrace/kafka-protocol'
import { type ApiHandler, apiHandler } from '../api-handler.ts'

/**
 * ApiVersions 0 to 4 (KIP-511): exactly the APIs and versions that are handled. An unknown version is answered before it comes here.
 *
 * @param offered all handlers, this one included; asked for with each request.
 */
export function apiVersions(offered: () => Iterable<ApiHandler>): ApiHandler<'ApiVersions'> {
  return apiHandler({
    api: 'ApiVersions',
    versions: { min: 0, max: 4 },

    respond: () => ({ errorCode: 0, apiKeys: versionsOf(offered()) }),
    failed: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
  })
}

function versionsOf(handlers: Iterable<ApiHandler>) {
  return [...handlers].map(({ api, versions: { min, max } }) => ({ apiKey: ApiKey[api], minVersion: min, maxVersion: max })).sort((a, b) => a.apiKey - b.apiKey)
}
