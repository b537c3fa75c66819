import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { ConnectError } from '@millrace/api'
import type { ByteSource, SourceRestart } from './byte-source.ts'
import type { FileWatch } from './file-watch.ts'

/**
 * One read. Twice this is allocated per task. At this size the text of a chunk is still an ordinary object to the garbage collector;
 * larger ones cost a system call each to obtain and to give back.
 */
export const CHUNK_BYTES = 120 * 1024

/** After so many looks that found nothing new, somewhat more than a second, the file rests: it is worth a watch. */
const LOOKS_BEFORE_WATCH = 8

/** A file that is watched is looked at nevertheless, as a folder above it may have been moved. Milliseconds. */
export const WATCHED_LOOK_MS = 10_000

/** What a followed file may be given. */
export interface FollowedFileParts {
  /** Called for a file at rest, and again after each change; null where it cannot be watched. Default: no file can. */
  readonly watch?: (path: string) => Promise<FileWatch | null>
  /** A clock that never goes back. Milliseconds. */
  readonly nowMs?: () => number
}

interface FileIdentity {
  readonly dev: number
  readonly ino: number
}

/**
 * A file that may grow, be truncated or be replaced while it is read; or a FIFO or device, which is read as far as it has data.
 * Opened without blocking, so that a FIFO without writer occupies no thread of the pool, which the whole process shares.
 * The next chunk is read while the last one is worked on.
 */
export class FollowedFile implements ByteSource {
  readonly #path: string
  #handle: FileHandle
  #identity: FileIdentity
  /** Null for what has no positions: FIFOs and devices. */
  #position: number | null
  readonly #chunks = [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)] as const
  #turn = 0
  #reading: Promise<number> | null = null
  /** The file was found replaced at the last look. It is left at the second, as a writer may have added to it after it was moved away. */
  #isReplaced = false
  /** The last read found the end. Of files that rest there are many, so each look at one costs a single question. */
  #isAtEnd = false
  /** The last look found nothing new. */
  #isUnchanged = false
  /** Looks that found nothing new since the last one that did, or since the kernel told of a change. */
  #looksInVain = 0
  #watch: FileWatch | null = null
  #lookAtMs = 0
  readonly #watchPath: (path: string) => Promise<FileWatch | null>
  readonly #nowMs: () => number

  private constructor(path: string, handle: FileHandle, identity: FileIdentity, position: number | null, parts: FollowedFileParts) {
    this.#path = path
    this.#watchPath = parts.watch ?? (async () => null)
    this.#nowMs = parts.nowMs ?? (() => performance.now())
    this.#handle = handle
    this.#identity = identity
    this.#position = position
  }

  /**
   * Opens `path` at `position`, which counts in regular files only.
   * @throws ConnectError where the file is shorter than `position`; the system's error where it cannot be opened (`ENOENT`: it does not exist).
   */
  static async open(path: string, position: number, parts: FollowedFileParts = {}): Promise<FollowedFile> {
    const handle = await openToRead(path)
    try {
      const status = await handle.stat()
      if (status.isDirectory()) throw new ConnectError(`"${path}" is a directory.`)
      if (status.isFile() && status.size < position) {
        throw new ConnectError(
          `File "${path}" has ${status.size} bytes, which is less than the position ${position} that was reached before. ` +
            'Was it replaced or truncated? Reset the offsets of the connector to read it from its beginning.',
        )
      }
      return new FollowedFile(path, handle, status, status.isFile() ? position : null, parts)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async read(): Promise<Buffer | null> {
    this.#isUnchanged = this.#isAtEnd && (await this.#rests())
    if (this.#isUnchanged) return null
    const chunk = this.#chunks[this.#turn] as Buffer
    const bytesRead = await (this.#reading ?? this.#readInto(chunk))
    this.#reading = null
    this.#isAtEnd = bytesRead === 0 && this.#position !== null
    if (bytesRead === 0) return null
    this.#isReplaced = false
    this.#looksInVain = 0
    this.#turn = 1 - this.#turn
    // Only a full chunk promises that there is more.
    if (bytesRead === CHUNK_BYTES) this.#reading = this.#readAhead()
    return chunk.subarray(0, bytesRead)
  }

  /** Whether the file is still the one that was read to its end. Where the kernel tells of changes, it is seldom looked at. */
  async #rests(): Promise<boolean> {
    if (this.#watch?.hasChanged) this.#endWatch()
    if (this.#watch !== null && this.#nowMs() < this.#lookAtMs) return true
    // Once for each rest, whether it can be watched or not. The look comes after it.
    if (this.#looksInVain === LOOKS_BEFORE_WATCH) this.#watch = await this.#watchPath(this.#path)
    const current = await statusOf(this.#path)
    const rests = current !== null && isSame(current, this.#identity) && current.size === this.#position
    if (!rests) this.#endWatch()
    this.#looksInVain++
    this.#lookAtMs = this.#nowMs() + WATCHED_LOOK_MS
    return rests
  }

  #endWatch(): void {
    this.#watch?.close()
    this.#watch = null
    this.#looksInVain = 0
  }

  #readAhead(): Promise<number> {
    const reading = this.#readInto(this.#chunks[this.#turn] as Buffer)
    // Whoever calls `read` next gets the error; until then nobody listens.
    reading.catch(() => {})
    return reading
  }

  async #readInto(chunk: Buffer): Promise<number> {
    try {
      const { bytesRead } = await this.#handle.read(chunk, 0, chunk.length, this.#position)
      if (this.#position !== null) this.#position += bytesRead
      return bytesRead
    } catch (error) {
      // A FIFO or terminal that has a writer, but no data.
      if (codeOf(error) === 'EAGAIN') return 0
      throw error
    }
  }

  async restart(): Promise<SourceRestart | null> {
    if (this.#position === null || this.#isUnchanged) return null
    const { size } = await this.#handle.stat()
    if (size < this.#position) {
      this.#position = 0
      return 'truncated'
    }
    return this.#replacement()
  }

  async #replacement(): Promise<SourceRestart | null> {
    const current = await statusOf(this.#path)
    // A file that is gone may come back; what it had is read to the end meanwhile.
    if (current === null || isSame(current, this.#identity)) return null
    if (!this.#isReplaced) {
      this.#isReplaced = true
      return null
    }
    const handle = await openToRead(this.#path)
    await this.#handle.close()
    this.#handle = handle
    this.#identity = await handle.stat()
    this.#position = 0
    this.#isReplaced = false
    return 'replaced'
  }

  async close(): Promise<void> {
    this.#endWatch()
    await this.#reading?.catch(() => {})
    await this.#handle.close()
  }
}

function openToRead(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NONBLOCK)
}

function isSame(a: FileIdentity, b: FileIdentity): boolean {
  return a.ino === b.ino && a.dev === b.dev
}

async function statusOf(path: string): Promise<(FileIdentity & { readonly size: number }) | null> {
  try {
    return await stat(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/** The code of a system's error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code
}
