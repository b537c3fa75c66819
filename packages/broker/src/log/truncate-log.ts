import { ftruncateSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { walkHeaders } from './batch-walk.ts'
import type { OpenFiles } from './open-files.ts'

const FILE_OF_SEGMENT = /^(\d{20})\.(log|index|producers|aborted)$/

/**
 * Cuts the log of a folder at the batch that holds an offset, which goes too, as a leader change cuts a log that was ahead of the new leader's.
 * Nobody may have it open; who opens it next has to verify its end.
 *
 * @throws the system's error.
 */
export function truncateLog(directory: string, offset: number, files: OpenFiles): void {
  const found = readdirSync(directory).flatMap((name) => {
    const [, baseOffset, suffix] = FILE_OF_SEGMENT.exec(name) ?? []
    return baseOffset === undefined ? [] : [{ path: join(directory, name), baseOffset: Number(baseOffset), suffix }]
  })
  const bases = found.filter(({ suffix }) => suffix === 'log').map(({ baseOffset }) => baseOffset)
  // One segment stays, if only to say where the log begins.
  const last = Math.max(Math.min(...bases), ...bases.filter((base) => base < offset))
  for (const { path, baseOffset, suffix } of found) {
    if (suffix === 'log') files.close(path)
    // What is known of the last segment is made anew from its batches.
    if (baseOffset > last || (baseOffset === last && (suffix === 'index' || suffix === 'aborted'))) rmSync(path)
  }
  const path = found.find(({ baseOffset, suffix }) => suffix === 'log' && baseOffset === last)!.path
  const descriptor = files.descriptor(path)
  ftruncateSync(
    descriptor,
    walkHeaders(descriptor, 0, statSync(path).size, (batch) => batch.lastOffset < offset),
  )
}
