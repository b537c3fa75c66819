import type { ApiName } from '@millrace/kafka-protocol'
import type { LeaderFault } from './partition-leaders.ts'

/*
 * What can be made to go wrong, for tests. All faults are plain data, so that they can cross threads, and are given to `broker.faults.inject`:
 *
 *   disk               writes to logs and journals fail, as with a full or broken disk
 *   request            chosen requests are answered late, wrongly or not at all, or their client is throttled
 *   leader-change      a partition changes its leader: a new epoch, a time without a leader, lost records; see `LeaderFault`
 *   close-connections  the connections of one client, or all, are cut
 *
 * The first two stay armed until they are used up or `broker.faults.clear()` is called; the others happen once, at once.
 */

/** Lets writes to the log fail as a full or broken disk does. */
export interface DiskFault {
  readonly kind: 'disk'
  readonly error: 'ENOSPC' | 'EIO'
  /** Only this topic; default all. */
  readonly topic?: string
  /** How many bytes of the failing write still reach the file; default 0. */
  readonly bytesWritten?: number
  /** How many writes fail; default: all until the faults are cleared. */
  readonly times?: number
}

/** Does something to requests of one kind. */
export interface RequestFault {
  readonly kind: 'request'
  readonly api: ApiName
  /**
   * - `delay`: handled after `delayMs`.
   * - `drop`: not handled; the connection is closed, as if the broker had died before it read the request.
   * - `lose-answer`: handled, but the connection is closed instead of answered, as if the broker had died after it.
   * - `ignore`: not handled and never answered; the connection stays open, as if the network had swallowed the request. Nothing behind it is handled.
   * - `error`: not handled; answered with `errorCode`, for each partition, group or topic that the request names.
   * - `throttle`: handled; the answer tells the client to wait for `delayMs`, and what it sends meanwhile waits (KIP-219).
   */
  readonly action: 'delay' | 'drop' | 'lose-answer' | 'ignore' | 'error' | 'throttle'
  /** Only requests that name this topic; default all. */
  readonly topic?: string
  /** Only requests of this client id; default all. */
  readonly clientId?: string
  /** Milliseconds; default 0. */
  readonly delayMs?: number
  /** A number of `ErrorCode`; default UNKNOWN_SERVER_ERROR. */
  readonly errorCode?: number
  /** How many requests that would meet the fault are let through first; default 0. */
  readonly after?: number
  /** How many requests; default: all until the faults are cleared. */
  readonly times?: number
}

/** Cuts connections. */
export interface ConnectionFault {
  readonly kind: 'close-connections'
  /** Only those whose last request had this client id; default all. */
  readonly clientId?: string
}

export type Fault = DiskFault | RequestFault | LeaderFault | ConnectionFault
type ArmedFault = DiskFault | RequestFault

/** What a request fault looks at. */
export interface FaultedRequest {
  readonly api: ApiName
  readonly clientId: string | null
  /** Whether the request names a topic, by its name or id. */
  names(topic: string): boolean
}

/** The faults that are armed. For tests: a broker has none unless somebody injects them. */
export class Faults {
  #armed: { readonly fault: ArmedFault; skip: number; left: number }[] = []

  /** Arms a fault; it acts from the next write or request on. The oldest fault that fits acts first. */
  arm(fault: ArmedFault): void {
    this.#armed.push({ fault, skip: (fault.kind === 'request' ? fault.after : undefined) ?? 0, left: fault.times ?? Infinity })
  }

  /** Disarms all faults. */
  clear(): void {
    this.#armed = []
  }

  /** The fault that the next write to a topic meets, counted as used; undefined in normal life. */
  ofDisk(topic: string): DiskFault | undefined {
    return this.#use((fault) => fault.kind === 'disk' && (fault.topic === undefined || fault.topic === topic)) as DiskFault | undefined
  }

  /** The fault that a request meets, counted as used; undefined in normal life. */
  ofRequest(request: FaultedRequest): RequestFault | undefined {
    return this.#use((fault) => fault.kind === 'request' && fits(fault, request)) as RequestFault | undefined
  }

  get areArmed(): boolean {
    return this.#armed.length > 0
  }

  #use(fits: (fault: ArmedFault) => boolean): ArmedFault | undefined {
    const found = this.#armed.find((armed) => fits(armed.fault) && armed.skip-- <= 0)
    if (!found) return undefined
    found.left--
    if (found.left <= 0) this.#armed = this.#armed.filter((armed) => armed !== found)
    return found.fault
  }
}

function fits({ api, topic, clientId }: RequestFault, request: FaultedRequest): boolean {
  return api === request.api && (clientId === undefined || clientId === request.clientId) && (topic === undefined || request.names(topic))
}

/** Whether a topic is named anywhere in the body of a request. */
export function namesTopic(body: unknown, name: string, id: string | undefined): boolean {
  if (typeof body !== 'object' || body === null || ArrayBuffer.isView(body)) return false
  if (Array.isArray(body)) return body.some((item) => item === name || namesTopic(item, name, id))
  return Object.entries(body).some(([field, value]) => {
    if (field === 'topicId') return value === id
    if (field === 'name' || field === 'topic' || field === 'topicName') return value === name || namesTopic(value, name, id)
    return namesTopic(value, name, id)
  })
}
