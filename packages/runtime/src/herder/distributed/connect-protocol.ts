import type { TaskId } from '@millrace/rest-api'
import type { Workload } from './worker-group.ts'

/*
 * What workers tell each other inside the group protocol (KIP-415, KIP-507), big endian. STRING: int16 length, UTF-8. ARRAY: int32 count, -1 for null
 * where it may be. BYTES: int32 length, -1 for null.
 *
 *   subscription 0     version:int16 url:STRING config-offset:int64
 *   subscription 1, 2  version:int16 url:STRING config-offset:int64 allocation:BYTES (an assignment with its version, or null)
 *   assignment 0       version:int16 error:int16 leader:STRING leader-url:STRING config-offset:int64 assignment:ARRAY
 *   assignment 1, 2    version:int16 error:int16 leader:STRING leader-url:STRING config-offset:int64 assignment:ARRAY revoked:ARRAY delay:int32
 *   of the arrays      connector:STRING tasks:ARRAY of int32, where -1 stands for the connector itself
 *
 * Versions 1 and 2 differ in nothing but the number: from 2 on, requests between workers are signed.
 */

/** By the names under which the group protocol offers them, the preferred one first. */
export const protocolVersions = { sessioned: 2, compatible: 1, default: 0 } as const
export type ConnectProtocolName = keyof typeof protocolVersions

/** Which names a worker offers, by its `connect.protocol`. */
export const offeredProtocols: Readonly<Record<'eager' | 'compatible' | 'sessioned', readonly ConnectProtocolName[]>> = {
  eager: ['default'],
  compatible: ['compatible', 'default'],
  sessioned: ['sessioned', 'compatible', 'default'],
}

export const AssignmentError = { none: 0, configMismatch: 1 } as const

/** What a member is told after a rebalance (`ExtendedAssignment`). */
export interface WorkerAssignment {
  /** One of `AssignmentError`. */
  readonly error: number
  /** Member id. */
  readonly leaderId: string
  readonly leaderUrl: string
  /** How far the leader had read the config topic. */
  readonly configOffset: number
  /** As it travels: what is new. As a member keeps and reports it: all that it has. */
  readonly assigned: Workload
  readonly revoked: Workload
  /** Milliseconds; 0 for none. */
  readonly delayMs: number
}

/** What a member tells the leader when it joins (`ExtendedWorkerState`). */
export interface WorkerState {
  readonly url: string
  readonly configOffset: number
  /** All that the member has; null where it has nothing, and always in version 0. */
  readonly allocation: WorkerAssignment | null
}

/** Bytes of another worker that are no subscription or assignment. The rebalance fails; it is tried again. */
export class ConnectProtocolError extends Error {
  override readonly name = 'ConnectProtocolError'
}

export const noWork: Workload = { connectors: [], tasks: [] }

export function encodeWorkerState(version: number, { url, configOffset, allocation }: WorkerState): Buffer {
  const writer = new Writer().int16(version).string(url).int64(configOffset)
  if (version > 0) writer.bytes(allocation === null ? null : encodeAssignment(version, allocation))
  return writer.toBuffer()
}

/** @throws ConnectProtocolError */
export function decodeWorkerState(bytes: Buffer): WorkerState {
  const reader = new Reader(bytes)
  readVersion(reader)
  const url = reader.string()
  const configOffset = reader.int64()
  // Absent from version 0; later ones leave it out at their choice.
  const allocation = reader.isAtEnd ? null : reader.bytes()
  return { url, configOffset, allocation: allocation === null ? null : decodeAssignment(allocation) }
}

export function encodeAssignment(version: number, assignment: WorkerAssignment): Buffer {
  const { error, leaderId, leaderUrl, configOffset, assigned, revoked, delayMs } = assignment
  const writer = new Writer().int16(version).int16(error).string(leaderId).string(leaderUrl).int64(configOffset)
  writeWorkload(writer, assigned)
  if (version > 0) {
    writeWorkload(writer, revoked)
    writer.int32(delayMs)
  }
  return writer.toBuffer()
}

/** @throws ConnectProtocolError */
export function decodeAssignment(bytes: Buffer): WorkerAssignment {
  const reader = new Reader(bytes)
  readVersion(reader)
  return {
    error: reader.int16(),
    leaderId: reader.string(),
    leaderUrl: reader.string(),
    configOffset: reader.int64(),
    assigned: readWorkload(reader),
    revoked: readWorkload(reader),
    delayMs: reader.isAtEnd ? 0 : reader.int32(),
  }
}

const CONNECTOR_ITSELF = -1

function readVersion(reader: Reader): void {
  const version = reader.int16()
  if (version < 0) throw new ConnectProtocolError(`Unsupported subscription version: ${version}`)
}

function writeWorkload(writer: Writer, { connectors, tasks }: Workload): void {
  const byConnector = new Map<string, number[]>(connectors.map((connector) => [connector, [CONNECTOR_ITSELF]]))
  for (const { connector, task } of tasks) {
    const numbers = byConnector.get(connector)
    if (numbers) numbers.push(task)
    else byConnector.set(connector, [task])
  }
  writer.int32(byConnector.size)
  for (const [connector, numbers] of byConnector) {
    writer.string(connector).int32(numbers.length)
    for (const number of numbers) writer.int32(number)
  }
}

function readWorkload(reader: Reader): Workload {
  const connectors: string[] = []
  const tasks: TaskId[] = []
  if (reader.isAtEnd) return noWork
  // A negative count is null, which is as good as empty.
  for (let left = reader.int32(); left > 0; left--) {
    const connector = reader.string()
    for (let numbers = reader.int32(); numbers > 0; numbers--) {
      const task = reader.int32()
      if (task === CONNECTOR_ITSELF) connectors.push(connector)
      else tasks.push({ connector, task })
    }
  }
  return { connectors, tasks }
}

class Writer {
  readonly #parts: Buffer[] = []

  int16(value: number): this {
    const part = Buffer.allocUnsafe(2)
    part.writeInt16BE(value)
    this.#parts.push(part)
    return this
  }

  int32(value: number): this {
    const part = Buffer.allocUnsafe(4)
    part.writeInt32BE(value)
    this.#parts.push(part)
    return this
  }

  int64(value: number): this {
    const part = Buffer.allocUnsafe(8)
    part.writeBigInt64BE(BigInt(value))
    this.#parts.push(part)
    return this
  }

  string(value: string): this {
    const text = Buffer.from(value)
    this.int16(text.length)
    this.#parts.push(text)
    return this
  }

  bytes(value: Buffer | null): this {
    this.int32(value === null ? -1 : value.length)
    if (value !== null) this.#parts.push(value)
    return this
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

class Reader {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#bytes.length
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }

  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#take(8)))
  }

  string(): string {
    const length = this.int16()
    const start = this.#take(length)
    return this.#bytes.toString('utf8', start, start + length)
  }

  bytes(): Buffer | null {
    const length = this.int32()
    if (length < 0) return null
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  /** Each element of an array takes bytes, so that no count can make reading longer than the bytes are. */
  #take(length: number): number {
    const start = this.#position
    if (length < 0 || start + length > this.#bytes.length)
      throw new ConnectProtocolError(`A worker's message of ${this.#bytes.length} bytes ends too early: ${length} bytes were expected at ${start}.`)
    this.#position += length
    return start
  }
}
