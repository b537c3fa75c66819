import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { codeOf } from './followed-file.ts'

/** Where a sink's lines go. */
export interface TextOutput {
  /** @returns when the system has all of `bytes`, which must stay unchanged until then. Calls never overlap. */
  write(bytes: Buffer): Promise<void>
  close(): Promise<void>
}

/** How long to wait for the reader of a FIFO. */
const RETRY_DELAY_MS = 20

/** Appends to a file, created where it is missing. A FIFO is opened and written without blocking: its reader is waited for. */
export class AppendedFile implements TextOutput {
  readonly #handle: FileHandle
  readonly #signal: AbortSignal

  private constructor(handle: FileHandle, signal: AbortSignal) {
    this.#handle = handle
    this.#signal = signal
  }

  /** @throws the system's error; the signal's reason where it is aborted while a FIFO has no reader. */
  static async open(path: string, signal: AbortSignal): Promise<AppendedFile> {
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK
    for (;;) {
      try {
        return new AppendedFile(await open(path, flags, 0o666), signal)
      } catch (error) {
        if (codeOf(error) !== 'ENXIO') throw error
        await delay(RETRY_DELAY_MS, undefined, { signal })
      }
    }
  }

  async write(bytes: Buffer): Promise<void> {
    let rest = bytes
    while (rest.length > 0) rest = rest.subarray(await this.#writeSome(rest))
  }

  async #writeSome(bytes: Buffer): Promise<number> {
    try {
      return (await this.#handle.write(bytes)).bytesWritten
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error
      await delay(RETRY_DELAY_MS, undefined, { signal: this.#signal })
      return 0
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** The process's standard output, which is not closed. */
export class StandardOutput implements TextOutput {
  /** Rejects also where the stream breaks while this waits: in a thread the write itself is then never answered. */
  async write(bytes: Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    process.stdout.once('error', reject)
    process.stdout.write(bytes, (error) => (error ? reject(process.stdout.errored ?? error) : resolve()))
    try {
      await promise
    } finally {
      process.stdout.off('error', reject)
    }
  }

  async close(): Promise<void> {}
}
