import type { BrokerOptions } from './broker.ts'
import type { Fault } from './faults.ts'

/** What the broker's thread is started with. */
export interface BrokerThreadData {
  readonly host: string | undefined
  readonly port: number | undefined
  readonly dataDir: string
  readonly properties: Readonly<Record<string, string>> | undefined
  readonly security: BrokerOptions['security']
  readonly apiVersions: BrokerOptions['apiVersions']
}

/** From the thread that started the broker. */
export type MessageToBroker = { readonly kind: 'close' } | { readonly kind: 'inject-fault'; readonly fault: Fault } | { readonly kind: 'clear-faults' }

/** From the broker's thread. `started` or `failed` comes first, `closed` last. */
export type MessageFromBroker =
  | { readonly kind: 'started'; readonly host: string; readonly port: number; readonly clusterId: string; readonly lock: string }
  | { readonly kind: 'failed'; readonly code: string | null; readonly message: string }
  | { readonly kind: 'log'; readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly message: string; readonly error: string | null }
  | { readonly kind: 'closed' }
