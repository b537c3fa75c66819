import { api } from '../api.ts'
import { array, bool, int16, int32, int64, string, struct } from '../fields.ts'

/**
 * Which requests a broker knows in which versions. The first request on a connection, answered by any broker.
 * Its answer always has the response header of version 0, and a broker that does not know the version answers in version 0 with UNSUPPORTED_VERSION (KIP-511).
 * 3: flexible; name and version of the client software (KIP-511), features (KIP-584). 4: features whose minimum is 0.
 */
export const apiVersions = api({
  name: 'ApiVersions',
  key: 18,
  versions: { min: 0, max: 4 },
  flexibleFrom: 3,
  request: {
    clientSoftwareName: string({ since: 3, ignorable: true }),
    clientSoftwareVersion: string({ since: 3, ignorable: true }),
  },
  response: {
    errorCode: int16(),
    apiKeys: array(
      struct({
        apiKey: int16(),
        minVersion: int16(),
        maxVersion: int16(),
      }),
    ),
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    supportedFeatures: array(
      struct({
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      }),
      { since: 3, tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64({ since: 3, default: -1, tag: 1, ignorable: true }),
    finalizedFeatures: array(
      struct({
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      }),
      { since: 3, tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool({ since: 3, default: false, tag: 3, ignorable: true }),
  },
})
