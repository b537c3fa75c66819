/** The value of `promise`, or null where it does not come in time or fails. */
export async function withinTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T | null> {
  const limit = Promise.withResolvers<null>()
  const timer = setTimeout(() => limit.resolve(null), timeoutMs)
  try {
    return await Promise.race([promise, limit.promise])
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}
