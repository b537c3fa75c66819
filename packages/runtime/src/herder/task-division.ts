import type { Properties } from '@millrace/api'
import { withReferencesRestored } from '../config/config-transformer.ts'
import type { ConfiguredConnectors } from './configured-connectors.ts'
import type { HerderWorker } from './herder-worker.ts'

/**
 * Has a connector that runs here divide its work anew.
 *
 * @returns the configurations of all its tasks as they are to be stored, references unresolved; null where nothing has changed: neither they nor the
 *   connector's own configuration, references resolved, since its tasks were last put (KAFKA-9228).
 * @throws what the connector throws.
 */
export async function changedTaskConfigs(name: string, connectors: ConfiguredConnectors, worker: HerderWorker): Promise<readonly Properties[] | null> {
  const config = connectors.config(name)
  const resolved = await connectors.resolve(config)
  const taskConfigs = withReferencesRestored(await worker.connectorTaskConfigs(name, resolved), config)
  return (await hasChanged(name, taskConfigs, resolved, connectors)) ? taskConfigs : null
}

async function hasChanged(name: string, taskConfigs: readonly Properties[], resolvedConfig: Properties, connectors: ConfiguredConnectors): Promise<boolean> {
  const snapshot = connectors.snapshot()
  const ids = snapshot.tasks(name)
  if (ids.length !== taskConfigs.length) return true
  if (ids.some((id) => !sameProperties(snapshot.taskConfig(id), taskConfigs[id.task]))) return true
  const applied = snapshot.appliedConnectorConfig(name)
  return applied === null || !sameProperties(await connectors.resolve(applied), resolvedConfig)
}

function sameProperties(a: Properties | null, b: Properties | undefined): boolean {
  if (a === null || b === undefined) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}
