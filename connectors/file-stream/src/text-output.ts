import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { codeOf } from './followed-file.ts'

/** Where a sink's text goes. */
export interface TextOutput {
  /** @returns when all of `text` has been handed to the system. Calls never overlap. */
  write(text: string): Promise<void>
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

  async write(text: string): Promise<void> {
    let bytes = Buffer.from(text, 'utf8')
    while (bytes.length > 0) bytes = bytes.subarray(await this.#writeSome(bytes))
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
  write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
    })
  }

  async close(): Promise<void> {}
}
