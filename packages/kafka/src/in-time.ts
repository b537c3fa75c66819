import { timerMs } from './clock.ts'

/**
 * Settles as the operation does, or rejects with `late` where that takes longer. The operation itself goes on; how it ends then is lost.
 *
 * @param timeoutMs also beyond what a timer can wait for.
 */
export async function inTime<T>(operation: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(late()), timerMs(timeoutMs))
  try {
    return await Promise.race([operation, promise])
  } finally {
    clearTimeout(timer)
  }
}
