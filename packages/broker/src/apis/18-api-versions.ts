import { ApiKey, type ApiName } from '@millrace/kafka-protocol'
import { apiHandler } from '../api-handler.ts'
import type { OfferedApi, OfferedApis } from '../offered-apis.ts'

/**
 * ApiVersions 0 to 4 (KIP-511): exactly the APIs and versions that are handled, but for Produce. Of that the versions 0 to 2 are named too, as Kafka
 * does since KAFKA-18659: librdkafka compresses only for brokers that name them. An unknown version is answered before it comes here.
 * The feature `transaction.version` (KIP-584, KIP-890) tells clients that they need not add partitions to transactions.
 */
export const apiVersions = apiHandler({
  api: 'ApiVersions',
  versions: { min: 0, max: 4 },

  respond: ({ version }, { offered }) => ({ errorCode: 0, apiKeys: versionsOf(offered), ...(version >= 3 && features(offered, version)) }),
  failed: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
})

function versionsOf(offered: OfferedApis) {
  return Array.from(offered.values(), named).sort((a, b) => a.apiKey - b.apiKey)
}

function named({ handler: { api }, versions: { min, max } }: OfferedApi) {
  return { apiKey: ApiKey[api], minVersion: api === 'Produce' ? 0 : min, maxVersion: max }
}

/** The versions with which a request belongs to transactions of KIP-890. */
const transactionRequests: readonly (readonly [ApiName, number])[] = [
  ['Produce', 12],
  ['EndTxn', 5],
  ['TxnOffsetCommit', 5],
]

function features(offered: OfferedApis, version: number) {
  if (!transactionRequests.every(([api, version]) => (offered.get(ApiKey[api])?.versions.max ?? 0) >= version)) return {}
  const name = 'transaction.version'
  return {
    // Clients of version 3 do not bear a minimum of 0.
    supportedFeatures: version >= 4 ? [{ name, minVersion: 0, maxVersion: 2 }] : [],
    finalizedFeaturesEpoch: 0,
    finalizedFeatures: [{ name, maxVersionLevel: 2, minVersionLevel: 2 }],
  }
}
