import { networkInterfaces } from 'node:os'
import { ConfigError } from '@millrace/api'
import type { WorkerConfig } from '../config/worker-config.ts'

/** An address to listen on. */
export interface Listener {
  readonly protocol: 'http' | 'https'
  /** Empty: every interface. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

/** Where standalone mode listens when nothing is configured: loopback only, unlike the original. */
export const STANDALONE_LISTENER = 'http://127.0.0.1:8083'

/** Where a worker of a cluster listens when nothing is configured, as the original: the others have to reach it. */
export const DISTRIBUTED_LISTENER = 'http://:8083'

const LISTENER = /^(.*):\/\/\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]+)$/

/** @throws ConfigError that gives the original's message as the reason. */
export function parseListener(text: string, key: string): Listener {
  const [, protocol, host, port] = LISTENER.exec(text) ?? []
  if (protocol === undefined || host === undefined || port === undefined) {
    throw ConfigError.invalidValue(key, text, "Listener doesn't have the right format (protocol://hostname:port).")
  }
  const scheme = protocol.toLowerCase()
  if (scheme !== 'http' && scheme !== 'https') throw ConfigError.invalidValue(key, text, 'Listener protocol must be either "http" or "https".')
  if (Number(port) < 0 || Number(port) > 65535) throw ConfigError.invalidValue(key, text, 'The port must be a number from 0 to 65535.')
  return { protocol: scheme, host, port: Number(port) }
}

/** A listener and the port that it is really bound to. */
export interface BoundListener {
  readonly listener: Listener
  readonly port: number
}

/** The URL that other workers and clients shall use. The worker's id is `host:port` of it. */
export function advertisedUrl(config: WorkerConfig, bound: readonly BoundListener[]): URL {
  const protocol = advertisedProtocol(config)
  const match = bound.find(({ listener }) => listener.protocol === protocol) ?? bound[0]
  const host = config.restAdvertisedHostName || match?.listener.host || ownAddress()
  const port = config.restAdvertisedPort ?? match?.port
  return new URL(`${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}/`)
}

/** `host:port`, the port also where it is the protocol's own. */
export function hostAndPort(url: URL): string {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return `${url.hostname}:${port}`
}

function advertisedProtocol({ restAdvertisedListener, listeners }: WorkerConfig): 'http' | 'https' {
  if (restAdvertisedListener !== null) {
    const protocol = restAdvertisedListener.toLowerCase()
    if (protocol === 'http' || protocol === 'https') return protocol
    throw new ConfigError(`"rest.advertised.listener" must be either "http" or "https", not "${restAdvertisedListener}".`, { key: 'rest.advertised.listener' })
  }
  const text = (listeners ?? []).join(',').toLowerCase()
  return !text.includes('http://') && text.includes('https://') ? 'https' : 'http'
}

/** The first address of this machine that others can reach. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1'
}
