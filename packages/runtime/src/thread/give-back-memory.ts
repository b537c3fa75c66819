import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** A larger heap is what a plug-in has put there, and takes long to go through. Bytes. */
const HEAP_BYTES_MAX = 64 * 1024 * 1024

const TRIES_MAX = 3

/**
 * Gives back what the heap of this thread has grown by while there was work: a quarter of a thread that hosts a few tasks. V8 keeps it for as long as nothing
 * is allocated. Takes some 30 ms, in which the thread does nothing else, so it is for a thread at rest. Does nothing where the heap is large.
 */
export function giveBackMemory(): void {
  if (getHeapStatistics().used_heap_size > HEAP_BYTES_MAX) return
  // The last resort also shrinks the spaces of the heap, the young generation first of all.
  collector()?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/**
 * V8's collector, as with `node --expose-gc`, but for this call alone: with the flag from the start, compiled code that Node brings along does not fit any more,
 * and each thread takes longer to start. The flag is the process's: another thread that does the same may take it away too early.
 */
function collector(): NodeJS.GCFunction | undefined {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('globalThis.gc') as NodeJS.GCFunction | undefined
    setFlagsFromString('--no-expose-gc')
    if (collect !== undefined) return collect
  }
  return undefined
}
