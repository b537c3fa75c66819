import type { ApiName } from '@millrace/kafka-protocol'

/** Lets writes to the log fail as a full or broken disk does. Plain data, so that it can cross threads. */
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

/** Lets requests of one kind be answered late, not at all, or with an error. Plain data, so that it can cross threads. */
export interface RequestFault {
  readonly kind: 'request'
  readonly api: ApiName
  /**
   * - `delay`: handled after `delayMs`.
   * - `drop`: not handled; the connection is closed, as if the broker had died before it read the request.
   * - `lose-answer`: handled, but the connection is closed instead of answered, as if the broker had died after it.
   * - `error`: not handled; answered with `errorCode`, for each partition, group or topic that the request names.
   */
  readonly action: 'delay' | 'drop' | 'lose-answer' | 'error'
  /** Milliseconds; default 0. */
  readonly delayMs?: number
  /** A number of `ErrorCode`; default UNKNOWN_SERVER_ERROR. */
  readonly errorCode?: number
  /** How many requests; default: all until the faults are cleared. */
  readonly times?: number
}

export type Fault = DiskFault | RequestFault

/** The faults that are armed. For tests: a broker has none unless somebody injects them. */
export class Faults {
  #armed: { readonly fault: Fault; left: number }[] = []

  /** Arms a fault; it acts from the next write or request on. The oldest fault that fits acts first. */
  inject(fault: Fault): void {
    this.#armed.push({ fault, left: fault.times ?? Infinity })
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
  ofRequest(api: ApiName): RequestFault | undefined {
    return this.#use((fault) => fault.kind === 'request' && fault.api === api) as RequestFault | undefined
  }

  #use(fits: (fault: Fault) => boolean): Fault | undefined {
    if (this.#armed.length === 0) return undefined
    const found = this.#armed.find(({ fault }) => fits(fault))
    if (!found) return undefined
    found.left--
    if (found.left <= 0) this.#armed = this.#armed.filter((armed) => armed !== found)
    return found.fault
  }
}
