/** How long a loop may run before timers, sockets and messages get their turn. Milliseconds. */
export const TURN_MS_MAX = 10

/** Lets the event loop turn once. Promises alone never do: a loop over resolved ones would starve timers, sockets and the message to stop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Resolves after `delayMs`, or as soon as the signal is aborted. */
export function delay(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, delayMs)
    signal.addEventListener('abort', done)
  })
}

/** Resolves with true when `promise` settles in time, with false otherwise. A rejection in time is passed on; a later one is ignored. */
export async function settlesWithin(promise: Promise<unknown>, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const limit = new AbortController()
  const abort = () => limit.abort()
  if (signal?.aborted) limit.abort()
  signal?.addEventListener('abort', abort)
  promise.catch(() => {})
  try {
    return await Promise.race([promise.then(() => true), delay(timeoutMs, limit.signal).then(() => false)])
  } finally {
    signal?.removeEventListener('abort', abort)
    limit.abort()
  }
}
