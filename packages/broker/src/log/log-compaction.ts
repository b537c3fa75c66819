import { closeSync, fdatasyncSync, openSync, rmSync } from 'node:fs'
import { readBatches, type RecordBatchView } from '@millrace/kafka-protocol'
import type { BufferPool } from '../buffer-pool.ts'
import type { AbortedEntry } from './aborted-index.ts'
import { type Compaction, compacted, LatestOffsets } from './compaction.ts'
import { writeFully } from './file-bytes.ts'
import type { Segment } from './segment.ts'

const CHUNK_BYTES = 256 * 1024

/** Lets others have their turn; false if the work is to be given up. */
export type Pause = () => Promise<boolean>

export interface CompactionPass {
  /** Closed segments in their order, all before the last stable offset. */
  readonly segments: readonly Segment[]
  /** Records from this offset on have not been compacted before. */
  readonly dirtyFrom: number
  /** How many keys a pass may remember. */
  readonly keysMax: number
  /** The aborted transactions that have records in a range of offsets. */
  abortedBetween(start: number, end: number): readonly AbortedEntry[]
  readonly now: number
  readonly deleteRetentionMs: number
  readonly buffers: BufferPool
  readonly pause: Pause
  /** Puts the rewritten file in the place of the segment's. */
  replace(segment: Segment, path: string, size: number): void
}

export interface CompactionResult {
  /** Offset up to which everything has been compacted. */
  readonly cleanedTo: number
  /** When the next tombstone may go; Infinity if there is none. */
  readonly nextHorizon: number
}

/**
 * Compacts closed segments, each by itself: writes what stays of it beside it, then replaces it. A crash leaves the old or the new file, and either
 * holds the last record of each key. A turn of the event loop works on one chunk of 256 KiB, or one batch if that is larger.
 *
 * @returns undefined if it was given up; nothing is lost then.
 */
export async function compactSegments(pass: CompactionPass): Promise<CompactionResult | undefined> {
  const latest = new LatestOffsets(pass.keysMax)
  const cleanedTo = await fillLatest(pass, latest)
  if (cleanedTo === undefined) return undefined
  let nextHorizon = Infinity
  for (const segment of pass.segments) {
    if (segment.baseOffset >= cleanedTo) break
    const horizon = await rewrite(pass, segment, latest, cleanedTo)
    if (horizon === undefined) return undefined
    nextHorizon = Math.min(nextHorizon, horizon)
  }
  return { cleanedTo, nextHorizon }
}

async function fillLatest(pass: CompactionPass, latest: LatestOffsets): Promise<number | undefined> {
  let cleanedTo = pass.dirtyFrom
  for (const segment of pass.segments) {
    const end = segment.nextOffset
    if (end <= pass.dirtyFrom) continue
    const isAborted = abortedIn(pass, segment)
    for (let position = 0; position < segment.size; ) {
      const slice = segment.read(position, CHUNK_BYTES, true)
      if (!slice) break
      for (const batch of readBatches(slice.buffer)) {
        if (batch.isControl || batch.lastOffset < pass.dirtyFrom || isAborted(batch) || latest.add(batch)) continue
        // No room for more keys: the next pass goes on here.
        const { baseOffset } = batch
        pass.buffers.release(slice.buffer)
        return baseOffset
      }
      position = slice.end
      pass.buffers.release(slice.buffer)
      if (!(await pass.pause()) || segment.isRemoved) return undefined
    }
    cleanedTo = Math.max(cleanedTo, end)
  }
  return cleanedTo
}

/** Returns when the next tombstone of the segment may go, undefined if the work was given up. */
async function rewrite(pass: CompactionPass, segment: Segment, latest: LatestOffsets, cleanedTo: number): Promise<number | undefined> {
  const path = `${segment.path}.cleaned`
  const compaction: Compaction = { latest, end: cleanedTo, isAborted: abortedIn(pass, segment), now: pass.now, deleteRetentionMs: pass.deleteRetentionMs }
  const descriptor = openSync(path, 'w')
  let size = 0
  let horizon = Infinity
  let hasChanged = false
  let isDone = false
  try {
    for (let position = 0; position < segment.size; ) {
      const slice = segment.read(position, CHUNK_BYTES, true)
      if (!slice) break
      for (const batch of readBatches(slice.buffer)) {
        const kept = compacted(batch, compaction)
        hasChanged ||= kept?.length !== batch.sizeInBytes || !kept.equals(batch.bytes)
        if (kept === null) continue
        writeFully(descriptor, kept, size)
        size += kept.length
        horizon = Math.min(horizon, horizonOf(kept))
      }
      position = slice.end
      pass.buffers.release(slice.buffer)
      if (!(await pass.pause()) || segment.isRemoved) return undefined
    }
    if (hasChanged) fdatasyncSync(descriptor)
    isDone = hasChanged
  } finally {
    closeSync(descriptor)
    if (!isDone) rmSync(path, { force: true })
  }
  if (isDone) pass.replace(segment, path, size)
  return horizon
}

function horizonOf(bytes: Buffer): number {
  for (const batch of readBatches(bytes)) if (batch.hasDeleteHorizon) return batch.baseTimestamp
  return Infinity
}

function abortedIn(pass: CompactionPass, segment: Segment): (batch: RecordBatchView) => boolean {
  const aborted = pass.abortedBetween(segment.baseOffset, segment.nextOffset)
  return (batch) =>
    batch.isTransactional &&
    aborted.some(
      ({ producerId, firstOffset, lastOffset }) => producerId === batch.producerId && firstOffset <= batch.baseOffset && batch.lastOffset <= lastOffset,
    )
}
