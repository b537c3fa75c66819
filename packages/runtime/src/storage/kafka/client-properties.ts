import type { Properties } from '@millrace/api'
import { type ClientKind, clientKeys } from '@millrace/kafka'

/** Settings of the worker's own place in its group, which are no settings of the stores' clients although some have the same names. */
const OF_THE_GROUP = new Set(['group.id', 'session.timeout.ms', 'heartbeat.interval.ms', 'client.id', 'bootstrap.servers', 'group.instance.id'])

/**
 * What a client of the worker itself takes from the worker's properties: all of its settings that stand there without a prefix, as in the original.
 * Others are left out, as the client would warn of them. `own` wins.
 */
export function workerClientProperties(client: ClientKind, properties: Properties, own: Properties): Properties {
  const known = new Set(clientKeys.filter(({ clients }) => clients.includes(client)).map(({ name }) => name))
  return { ...Object.fromEntries(Object.entries(properties).filter(([name]) => known.has(name) && !OF_THE_GROUP.has(name))), ...own }
}
