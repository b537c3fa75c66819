import { ApiKey, type ApiName, type VersionRange } from '@millrace/kafka-protocol'
import type { ApiHandler } from './api-handler.ts'
import { BrokerError } from './errors.ts'
import { type KafkaRelease, lastVersionsOf } from './kafka-releases.ts'

/** What a broker may be restricted to: the versions of a release of Kafka, or of chosen requests; `null` for one that is not offered at all. */
export type ApiVersionLimits = KafkaRelease | { readonly [A in ApiName]?: VersionRange | null }

/** An API with the versions that this broker offers. */
export interface OfferedApi {
  readonly handler: ApiHandler
  readonly versions: VersionRange
}

export type OfferedApis = ReadonlyMap<number, OfferedApi>

/** Without this a client does not even learn what else there is. */
const ALWAYS_OFFERED: ApiName = 'ApiVersions'

/** @throws BrokerError BROKER_CONFIG_INVALID for versions that the broker does not have, or an unknown release. */
export function offeredApis(handlers: Iterable<ApiHandler>, limits: ApiVersionLimits = {}): OfferedApis {
  const offered = new Map<number, OfferedApi>()
  for (const handler of handlers) {
    const versions = typeof limits === 'string' ? versionsIn(limits, handler) : limitedVersions(limits, handler)
    if (versions) offered.set(ApiKey[handler.api], { handler, versions })
  }
  return offered
}

function versionsIn(release: KafkaRelease, { api, versions }: ApiHandler): VersionRange | undefined {
  const last = lastVersionsOf[release]
  if (!last) throw invalid(`The release "${release}" of Kafka is not known; known are ${Object.keys(lastVersionsOf).join(', ')}.`)
  const max = Math.min(versions.max, last[api] ?? -1)
  return max < versions.min ? undefined : { min: versions.min, max }
}

function limitedVersions(limits: Exclude<ApiVersionLimits, string>, { api, versions }: ApiHandler): VersionRange | undefined {
  const limit = limits[api]
  if (limit === undefined) return versions
  if (limit === null && api !== ALWAYS_OFFERED) return undefined
  if (limit === null || limit.min < versions.min || limit.max > versions.max || limit.min > limit.max) {
    throw invalid(`${api} can be offered in versions ${versions.min} to ${versions.max} only.`)
  }
  return limit
}

function invalid(message: string): BrokerError {
  return new BrokerError('BROKER_CONFIG_INVALID', message)
}
