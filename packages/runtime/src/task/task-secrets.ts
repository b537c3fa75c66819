import { secretsIn } from '../errors/secret-mask.ts'
import type { TaskStart } from '../thread/messages.ts'

/** All secrets that a task is started with, as far as keys tell them; plug-ins tell the rest by their definitions. */
export function secretsOf(start: TaskStart): string[] {
  const { connectorConfig, taskConfig, producer, consumer, admin, deadLetterClients, converters, transformations, secrets } = start
  const plugins = [converters.key, converters.value, converters.header, ...transformations, ...transformations.flatMap(({ predicate }) => predicate ?? [])]
  const properties = [connectorConfig, taskConfig, producer, consumer, admin, deadLetterClients?.producer ?? {}, deadLetterClients?.admin ?? {}]
  return [...secrets, ...[...properties, ...plugins.map((plugin) => plugin.properties)].flatMap((each) => secretsIn(each))]
}

/** What can tell of a plug-in's settings which of them are passwords. */
interface WithConfig {
  config?(): { readonly keys: ReadonlyMap<string, { readonly type: string }> }
}

/** The values of the settings that a plug-in defines as PASSWORD. */
export function definedSecrets(plugin: unknown, ...configurations: readonly Readonly<Record<string, string>>[]): string[] {
  try {
    const keys = (plugin as WithConfig).config?.().keys
    if (keys === undefined) return []
    return configurations.flatMap((properties) => secretsIn(properties, (key) => keys.get(key)?.type === 'PASSWORD'))
  } catch {
    // A plug-in that cannot tell its settings fails where that is asked for, not here.
    return []
  }
}
