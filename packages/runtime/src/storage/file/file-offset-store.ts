import { closeSync, fchmodSync, fsyncSync, openSync, readFileSync, realpathSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Logger } from '@millrace/api'
import { MemoryOffsetStore } from '../memory/memory-offset-store.ts'
import { OffsetStoreError } from '../errors.ts'
import type { OffsetStore, OffsetWrite, StoredOffset } from '../offset-store.ts'
import { readJavaHashMap, writeJavaHashMap } from './java-hash-map.ts'

/**
 * Offsets in the file of standalone mode (`offset.storage.file.filename`), in the original's own format: a Java worker can take over and give back.
 *
 * A write goes to a temporary file that is flushed to disk and then renamed, so that a crash leaves the old file or the new one
 * (docs/spec/record-delivery.md, D6). Writes that are asked for in the same turn of the event loop share one. The calls are synchronous on purpose:
 * the file is small, and libuv's thread pool is shared with plug-ins that may fill it.
 */
export class FileOffsetStore implements OffsetStore {
  readonly #file: string
  readonly #logger: Logger
  readonly #table = new MemoryOffsetStore()
  #writeUnderWay: Promise<void> | null = null
  /** The file as this store last read or wrote it; null where there was none. */
  #known: string | null = null
  #hasWarned = false

  constructor({ file, logger }: { file: string; logger: Logger }) {
    this.#file = file
    this.#logger = logger
  }

  /** @throws OffsetStoreError where the file is there but cannot be read as a whole: its content would be lost at the next write. */
  async start(): Promise<void> {
    const bytes = this.#read()
    this.#known = stampOf(this.#file)
    // A file that is missing or empty is a first start, as in the original.
    if (bytes === null || bytes.length === 0) return
    try {
      for (const { key, value } of readJavaHashMap(bytes)) if (key !== null && value !== null) this.#table.apply([{ key, value }])
    } catch (error) {
      const message = `Offset file "${this.#file}" (offset.storage.file.filename) is damaged or no offset file: ${(error as Error).message}. It was left as it is; restore it from a backup, or move it away to start without offsets.`
      throw new OffsetStoreError(message, { cause: error })
    }
    this.#logger.debug(`Read ${this.#table.entries().length} offsets from ${this.#file}`)
  }

  async stop(): Promise<void> {
    // Whoever asked for the write hears of its failure.
    await this.#writeUnderWay?.catch(() => undefined)
  }

  get(keys: readonly Buffer[]): Promise<readonly (Buffer | null)[]> {
    return this.#table.get(keys)
  }

  connectorPartitions(connector: string): Promise<readonly StoredOffset[]> {
    return this.#table.connectorPartitions(connector)
  }

  set(entries: readonly OffsetWrite[]): Promise<void> {
    if (entries.length === 0) return Promise.resolve()
    this.#table.apply(entries)
    this.#writeUnderWay ??= new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        this.#writeUnderWay = null
        try {
          this.#write()
          resolve()
        } catch (error) {
          reject(
            new OffsetStoreError(`Offsets could not be written to "${this.#file}" (offset.storage.file.filename): ${(error as Error).message}`, {
              cause: error,
            }),
          )
        }
      })
    })
    return this.#writeUnderWay
  }

  #read(): Buffer | null {
    try {
      return readFileSync(this.#file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw new OffsetStoreError(`Offset file "${this.#file}" (offset.storage.file.filename) cannot be read: ${(error as Error).message}`, { cause: error })
    }
  }

  #write(): void {
    // A link stays a link: what it points at is replaced.
    const target = resolvedPath(this.#file)
    this.#warnOfAnotherWriter(target)
    const temporary = `${target}.tmp`
    const descriptor = openSync(temporary, 'w', 0o644)
    try {
      try {
        keepMode(descriptor, target)
        writeFully(descriptor, writeJavaHashMap(this.#table.entries()))
        fsyncSync(descriptor)
      } finally {
        closeSync(descriptor)
      }
      renameSync(temporary, target)
    } catch (error) {
      removeQuietly(temporary)
      throw error
    }
    this.#known = stampOf(target)
    syncDirectory(dirname(target))
  }

  /** The format has no place for a lock, and the original takes none: two workers on one file can only be noticed. Told once. */
  #warnOfAnotherWriter(target: string): void {
    if (this.#hasWarned || stampOf(target) === this.#known) return
    this.#hasWarned = true
    this.#logger.warn(
      `Offset file "${this.#file}" (offset.storage.file.filename) was changed by someone else while this worker uses it. What the other wrote is overwritten now, and it overwrites what this worker writes: give each worker a file of its own.`,
    )
  }
}

/** Tells one state of a file from another; null where there is none. */
function stampOf(file: string): string | null {
  const stats = statSync(file, { throwIfNoEntry: false, bigint: true })
  return stats === undefined ? null : `${stats.dev}-${stats.ino}-${stats.size}-${stats.mtimeNs}`
}

function resolvedPath(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    // Not there yet.
    return file
  }
}

function keepMode(descriptor: number, target: string): void {
  const mode = statSync(target, { throwIfNoEntry: false })?.mode
  if (mode !== undefined) fchmodSync(descriptor, mode & 0o777)
}

function writeFully(descriptor: number, bytes: Buffer): void {
  let written = 0
  while (written < bytes.length) written += writeSync(descriptor, bytes, written)
}

function removeQuietly(file: string): void {
  try {
    unlinkSync(file)
  } catch {
    // The next write opens it anew.
  }
}

/** Makes the rename itself durable, where the file system lets directories be flushed. */
function syncDirectory(directory: string): void {
  let descriptor: number
  try {
    descriptor = openSync(directory, 'r')
  } catch {
    return
  }
  try {
    fsyncSync(descriptor)
  } catch {
    // Some file systems refuse it; the data itself is flushed.
  } finally {
    closeSync(descriptor)
  }
}
