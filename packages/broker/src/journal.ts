import { closeSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerLogger } from './broker-logger.ts'
import type { Faults } from './faults.ts'
import { crc32c } from './log/checksum.ts'
import { writeFully } from './log/file-bytes.ts'

const REWRITE_BYTES_MIN = 1024 * 1024
const REWRITE_FACTOR = 4

export interface JournalOptions {
  readonly dataDir: string
  /** Its name in the data folder. */
  readonly file: string
  /** For disk faults the journal stands where Kafka keeps the same in a topic of this name. */
  readonly faultTopic: string
  /** After so many entries the journal is brought to the disk before they are acknowledged, as `log.flush.interval.messages` asks. */
  readonly flushEntries: number
  readonly faults: Faults
  readonly logger: BrokerLogger
}

/*
 * Line => checksum (CRC-32C of the JSON, 8 hexadecimal digits)  ' '  JSON  '\n'
 */

/**
 * What groups, committed offsets and transactions survive a crash by: every change is appended to one file before it is answered, and the file is
 * written anew, with nothing but the present state, when it has grown to several times that.
 */
export class Journal<Entry> {
  readonly #path: string
  readonly #faultTopic: string
  readonly #faults: Faults
  readonly #flushEntries: number
  #entriesUnflushed = 0
  #descriptor: number
  #size: number
  #rewriteAt: number

  private constructor(path: string, descriptor: number, size: number, { faults, faultTopic, flushEntries }: JournalOptions) {
    this.#path = path
    this.#faultTopic = faultTopic
    this.#descriptor = descriptor
    this.#size = size
    this.#faults = faults
    this.#flushEntries = flushEntries
    this.#rewriteAt = Math.max(REWRITE_BYTES_MIN, size * REWRITE_FACTOR)
  }

  /** Opens the journal, hands every entry to `replay` in order, and cuts off a last line that a crash left unfinished. */
  static open<Entry>(options: JournalOptions, replay: (entry: Entry) => void): Journal<Entry> {
    const path = join(options.dataDir, options.file)
    const descriptor = openSync(path, 'a+')
    closeSync(descriptor)
    const bytes = readFileSync(path)
    const end = replayLines(bytes, replay)
    const writable = openSync(path, 'r+')
    if (end < bytes.length) {
      options.logger.warn(`The file "${path}" ended with ${bytes.length - end} bytes that are no whole line, as a crash leaves them; they were cut off.`)
      ftruncateSync(writable, end)
    }
    return new Journal(path, writable, end, options)
  }

  /**
   * Appends an entry; in the page cache on return.
   *
   * @param isFlushed brings it to the disk in any case, with all that was appended before.
   * @throws the system's error, and the journal is as before.
   */
  append(entry: Entry, isFlushed = false): void {
    const line = encodeLine(entry)
    try {
      const fault = this.#faults.ofDisk(this.#faultTopic)
      if (fault) {
        writeFully(this.#descriptor, line.subarray(0, fault.bytesWritten ?? 0), this.#size)
        throw Object.assign(new Error(`${fault.error}: injected, write`), { code: fault.error })
      }
      writeFully(this.#descriptor, line, this.#size)
      if (isFlushed || this.#entriesUnflushed + 1 >= this.#flushEntries) {
        fdatasyncSync(this.#descriptor)
        this.#entriesUnflushed = -1
      }
    } catch (error) {
      this.#dropUnfinished()
      throw error
    }
    this.#size += line.length
    this.#entriesUnflushed++
  }

  /** Whether it has grown so much that it should be written anew. */
  get isRewriteDue(): boolean {
    return this.#size > this.#rewriteAt
  }

  /** Replaces the journal by one with these entries. @throws the system's error, and the journal is as before. */
  rewrite(entries: Iterable<Entry>): void {
    const draft = `${this.#path}.new`
    const bytes = Buffer.concat([...entries].map(encodeLine))
    const descriptor = openSync(draft, 'w+')
    try {
      writeFully(descriptor, bytes, 0)
      fdatasyncSync(descriptor)
      renameSync(draft, this.#path)
    } catch (error) {
      closeSync(descriptor)
      // Not again at the very next entry.
      this.#rewriteAt = this.#size * 2
      throw error
    }
    closeSync(this.#descriptor)
    this.#descriptor = descriptor
    this.#size = bytes.length
    this.#entriesUnflushed = 0
    this.#rewriteAt = Math.max(REWRITE_BYTES_MIN, bytes.length * REWRITE_FACTOR)
  }

  /** Brings the journal to the disk and closes it. */
  close(): void {
    try {
      fdatasyncSync(this.#descriptor)
    } finally {
      closeSync(this.#descriptor)
    }
  }

  #dropUnfinished(): void {
    try {
      ftruncateSync(this.#descriptor, this.#size)
    } catch {
      // The next entry is written over it, and a restart cuts what is left.
    }
  }
}

function encodeLine(entry: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(entry))
  return Buffer.concat([Buffer.from(`${checksumText(json)} `), json, Buffer.from('\n')])
}

/** Returns where the last whole line ends. */
function replayLines<Entry>(bytes: Buffer, replay: (entry: Entry) => void): number {
  let pos = 0
  for (;;) {
    const end = bytes.indexOf(0x0a, pos)
    if (end === -1) return pos
    const json = bytes.subarray(pos + 9, end)
    if (bytes.toString('latin1', pos, pos + 8) !== checksumText(json)) return pos
    replay(JSON.parse(json.toString()) as Entry)
    pos = end + 1
  }
}

function checksumText(json: Buffer): string {
  return crc32c(json).toString(16).padStart(8, '0')
}
