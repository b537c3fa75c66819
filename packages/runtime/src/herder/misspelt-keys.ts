import type { Logger } from '@millrace/api'
import type { ConfigInfos } from '@millrace/rest-api'
import { nearestName } from '../config/nearest-name.ts'
import type { RequestedConfig } from './herder.ts'

/** Connectors may take settings that they do not define, so only what is nearly a known name is told. */
const DISTANCE_MAX = 2

/** Warns of settings that nobody knows where one of nearly the same name is known: those of connectors that are misspelt do nothing, in silence. */
export function warnOfMisspeltKeys(connector: string, config: RequestedConfig, { configs }: ConfigInfos, logger: Logger): void {
  const known = configs.flatMap(({ definition }) => definition?.name ?? [])
  for (const key of Object.keys(config)) {
    if (known.includes(key)) continue
    const nearest = nearestName(key, known, DISTANCE_MAX)
    if (nearest !== null && !Object.hasOwn(config, nearest))
      logger.warn(`Connector ${connector}: the setting "${key}" is not known. Did you mean "${nearest}"?`)
  }
}
