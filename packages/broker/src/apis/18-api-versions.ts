import { ApiKey } from '@millrace/kafka-protocol'
import { apiHandler } from '../api-handler.ts'
import type { OfferedApi, OfferedApis } from '../offered-apis.ts'

/**
 * ApiVersions 0 to 4 (KIP-511): exactly the APIs and versions that are handled, but for Produce. Of that the versions 0 to 2 are named too, as Kafka
 * does since KAFKA-18659: librdkafka compresses only for brokers that name them. An unknown version is answered before it comes here.
 */
export const apiVersions = apiHandler({
  api: 'ApiVersions',
  versions: { min: 0, max: 4 },

  respond: (_request, { offered }) => ({ errorCode: 0, apiKeys: versionsOf(offered) }),
  failed: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
})

function versionsOf(offered: OfferedApis) {
  return Array.from(offered.values(), named).sort((a, b) => a.apiKey - b.apiKey)
}

function named({ handler: { api }, versions: { min, max } }: OfferedApi) {
  return { apiKey: ApiKey[api], minVersion: api === 'Produce' ? 0 : min, maxVersion: max }
}
