import { setTimeout as delay } from 'node:timers/promises'

/** Resolves or rejects with `promise`, which goes on by itself after the time. @throws Error with `message` after `timeoutMs` (milliseconds). */
export async function within<T>(timeoutMs: number, promise: Promise<T>, message: string): Promise<T> {
  const over = new AbortController()
  const timeout = delay(Math.max(0, timeoutMs), null, { signal: over.signal }).then(
    () => Promise.reject(new Error(message)),
    // Ended in time.
    () => promise,
  )
  try {
    return await Promise.race([promise, timeout])
  } finally {
    over.abort()
  }
}
