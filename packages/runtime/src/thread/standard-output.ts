/** Listeners of all threads; the stream itself would warn of so many. */
const listeners = new Set<() => void>()
let isWatched = false
let isLost = false

/**
 * Calls `listener` when whoever read the process's standard output has gone (EPIPE), or soon where that has happened before. A thread writes there
 * through the main thread, and would wait for ever without being told.
 *
 * @returns forgets the listener.
 */
export function onStandardOutputLost(listener: () => void): () => void {
  if (!isWatched) {
    isWatched = true
    process.stdout.on('error', lost)
  }
  listeners.add(listener)
  if (isLost) setImmediate(() => listeners.has(listener) && listener())
  return () => listeners.delete(listener)
}

function lost(): void {
  isLost = true
  for (const listener of listeners) listener()
}
