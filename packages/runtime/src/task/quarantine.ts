import { createHash } from 'node:crypto'
import { ConnectError, DataError, type Logger, type SerializedData, withoutStackTrace } from '@millrace/api'
import type { ConsumedMessage } from '../errors/dead-letter-queue.ts'
import { partitionName } from './topic-partitions.ts'

/** Where keys in quarantine are kept: a compacted topic that every task of the connector follows. */
export interface QuarantineLog {
  /** Reads all that there is; afterwards goes on to hand out what is new. */
  start(): Promise<void>
  /** Resolves when everything written so far, by anybody, was handed out. */
  readToEnd(): Promise<void>
  append(entries: readonly { readonly key: string; readonly value: string | null }[]): Promise<unknown>
  stop(): Promise<void>
}

/** A record was held back because an earlier one of its key failed. */
export class QuarantineError extends DataError {
  override get code(): string {
    return 'QUARANTINE'
  }
}

/** More keys would have to be kept than are allowed. */
export class QuarantineFullError extends DataError {
  override get code(): string {
    return 'QUARANTINE_FULL'
  }
}

export interface QuarantineOptions {
  readonly connector: string
  /** `millrace.errors.quarantine.keys.max`. */
  readonly keysMax: number
  readonly log: QuarantineLog
  /** A key could not be stored: the task must end, and nothing more be committed. */
  readonly failed: (error: Error) => void
  readonly logger: Logger
}

/** Longer keys are kept by their hash. Bytes. */
const KEY_BYTES_MAX = 96

/**
 * The keys of which a record became a dead letter: later records of them are held back, too, so that no update overtakes one that is missing
 * (docs/spec/record-delivery.md, D13). A key counts within its partition; records without a key have none. Held back is what stands behind the record that
 * failed, so that this one is tried again where its offset was not committed.
 *
 * The topic has an entry per key: `{"connector":…,"topic":…,"partition":…,"key":…}` → `{"offset":…,"at":…}`. A tombstone releases the key.
 */
export class Quarantine {
  readonly #options: QuarantineOptions
  /** By partition, then by key: the offset of the record that failed. */
  readonly #offsets = new Map<string, Map<string, number>>()
  #size = 0
  #pending = 0
  #whenStored: PromiseWithResolvers<void> | null = null
  #stopping: Promise<void> | null = null

  constructor(options: QuarantineOptions) {
    this.#options = options
  }

  /** @param signal ends the reading. @throws where the topic cannot be read. */
  async start(signal: AbortSignal): Promise<void> {
    const end = () => void this.stop()
    signal.addEventListener('abort', end, { once: true })
    try {
      await this.#options.log.start()
      if (this.#size > 0) this.#options.logger.warn(`${this.#size} keys are in quarantine: later records of them become dead letters until they are released`)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', end)
    }
  }

  /** Partitions were taken over: what others stored for them must be known before their records are read. */
  async upToDate(): Promise<void> {
    await this.#options.log.readToEnd()
  }

  /** Never rejects. */
  stop(): Promise<void> {
    this.#stopping ??= this.#options.log.stop().catch((error: unknown) => this.#options.logger.warn('Could not close the topic of the quarantine', error))
    return this.#stopping
  }

  /** An entry of the topic. Those of other connectors, and what is none of ours, are passed over. */
  read({ key, value }: { readonly key: Buffer | null; readonly value: Buffer | null }): void {
    const name = key === null ? null : (JSON.parse(key.toString()) as Partial<EntryKey>)
    if (name?.connector !== this.#options.connector || name.topic === undefined || name.partition === undefined || name.key === undefined) return
    const partition = partitionName({ topic: name.topic, partition: name.partition })
    if (value === null) this.#release(partition, name.key)
    else this.#set(partition, name.key, (JSON.parse(value.toString()) as EntryValue).offset)
  }

  get isEmpty(): boolean {
    return this.#size === 0
  }

  /** Entries that are not stored yet. */
  get pending(): number {
    return this.#pending
  }

  /** Resolves when all entries have an answer. */
  stored(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve()
    this.#whenStored ??= Promise.withResolvers()
    return this.#whenStored.promise
  }

  /** @returns the offset of the record that failed, where it stands before this one and its key is in quarantine; otherwise null. */
  heldSince(message: Pick<ConsumedMessage, 'topic' | 'partition' | 'offset' | 'key'>): number | null {
    if (this.#size === 0) return null
    const offsets = this.#offsets.get(partitionName(message))
    const id = offsets === undefined ? null : keyId(message.key)
    const since = id === null ? undefined : offsets!.get(id)
    return since !== undefined && message.offset > since ? since : null
  }

  /** A record became a dead letter. @throws QuarantineFullError where there is no room for its key. */
  add(message: ConsumedMessage): void {
    const { connector, keysMax, log } = this.#options
    const id = keyId(message.key)
    const partition = partitionName(message)
    if (id === null) return
    const known = this.#offsets.get(partition)?.get(id)
    // A record that cannot be read may be known before an earlier one that cannot be written.
    if (known !== undefined && known <= message.offset) return
    if (known === undefined && this.#size >= keysMax) {
      throw new QuarantineFullError(
        `${keysMax} keys are in quarantine, as many as millrace.errors.quarantine.keys.max allows, and one more record failed. Release keys, or find out why so many fail`,
      )
    }
    this.#set(partition, id, message.offset)
    const key: EntryKey = { connector, topic: message.topic, partition: message.partition, key: id }
    const value: EntryValue = { offset: message.offset, at: new Date().toISOString() }
    this.#pending++
    log.append([{ key: JSON.stringify(key), value: JSON.stringify(value) }]).then(
      () => this.#answered(),
      (cause: unknown) => {
        this.#options.failed(new ConnectError(`The quarantine of a key of ${partition}@${message.offset} could not be stored`, { cause }))
        this.#answered()
      },
    )
  }

  #answered(): void {
    if (--this.#pending > 0) return
    this.#whenStored?.resolve()
    this.#whenStored = null
  }

  #set(partition: string, id: string, offset: number): void {
    let offsets = this.#offsets.get(partition)
    if (offsets === undefined) this.#offsets.set(partition, (offsets = new Map()))
    const known = offsets.get(id)
    if (known === undefined) this.#size++
    // The first one that failed counts.
    if (known === undefined || offset < known) offsets.set(id, offset)
  }

  #release(partition: string, id: string): void {
    const offsets = this.#offsets.get(partition)
    if (offsets?.delete(id) !== true) return
    this.#size--
    if (offsets.size === 0) this.#offsets.delete(partition)
  }
}

interface EntryKey {
  readonly connector: string
  readonly topic: string
  readonly partition: number
  /** As `keyId` makes it. */
  readonly key: string
}

interface EntryValue {
  readonly offset: number
  /** ISO 8601. */
  readonly at: string
}

/** Why a record is held back. There may be very many of them. */
export function heldBack({ topic, partition }: Pick<ConsumedMessage, 'topic' | 'partition'>, since: number): QuarantineError {
  return withoutStackTrace(
    () =>
      new QuarantineError(
        `The key is in quarantine since ${partitionName({ topic, partition })}@${since} became a dead letter: an earlier record must not be overtaken`,
      ),
  )
}

/** Cuts a batch so that no part has two records of one key: where one of them cannot be written, the later ones must not have been. */
export function partsOfDistinctKeys<R>(records: readonly R[], messageOf: (record: R) => ConsumedMessage | null): readonly (readonly R[])[] {
  const parts: R[][] = []
  let part: R[] = []
  let offsets = new Map<string, number>()
  for (const record of records) {
    const message = messageOf(record)
    const id = message === null ? null : keyId(message.key)
    if (message !== null && id !== null) {
      const name = `${partitionName(message)} ${id}`
      // Several records of one message stay together.
      if ((offsets.get(name) ?? message.offset) !== message.offset) {
        parts.push(part)
        part = []
        offsets = new Map()
      }
      offsets.set(name, message.offset)
    }
    part.push(record)
  }
  if (part.length > 0) parts.push(part)
  return parts
}

/** What stands for a key: its bytes in base64, or their hash; null for none. */
function keyId(key: SerializedData): string | null {
  if (key === null) return null
  const bytes = typeof key === 'string' ? Buffer.from(key) : Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  return bytes.length <= KEY_BYTES_MAX ? bytes.toString('base64') : `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
