import { readSync, writeSync } from 'node:fs'

/** Fills `buffer[start…end)` from the file; returns where the file ended, `end` if it was long enough. */
export function readFully(descriptor: number, buffer: Buffer, start: number, end: number, position: number): number {
  let pos = start
  while (pos < end) {
    const bytes = readSync(descriptor, buffer, pos, end - pos, position + pos - start)
    if (bytes === 0) break
    pos += bytes
  }
  return pos
}

/** Writes all of the buffer. @throws the system's error, after which any part of it may have been written. */
export function writeFully(descriptor: number, buffer: Buffer, position: number): void {
  let pos = 0
  while (pos < buffer.length) pos += writeSync(descriptor, buffer, pos, buffer.length - pos, position + pos)
}
