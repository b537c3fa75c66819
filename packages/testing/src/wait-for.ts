import { setTimeout as delay } from 'node:timers/promises'
import type { Awaitable } from './awaitable.ts'

export interface WaitOptions {
  /** What is waited for, as the end of "still waiting for …". */
  readonly what: string
  /** How long. Milliseconds; default 30000. */
  readonly deadlineMs?: number
  /** How long between two looks. Milliseconds; default 25. */
  readonly intervalMs?: number
  /** Asked once, at the deadline, for what there is instead: the end of a log, a status. */
  readonly describe?: () => Awaitable<unknown>
}

/**
 * Looks until `condition` returns something other than null, undefined and false, and resolves with that.
 * A condition that throws is looked at again; its last error is part of the message.
 *
 * @throws WaitTimeoutError at the deadline. A look that hangs does not hold it up.
 */
export async function waitFor<T>(condition: () => Awaitable<T | null | undefined | false>, options: WaitOptions): Promise<T> {
  const deadlineMs = options.deadlineMs ?? 30_000
  const until = performance.now() + deadlineMs
  let lastError: unknown
  while (true) {
    const look = Promise.resolve().then(condition)
    const remainingMs = Math.max(1, until - performance.now())
    const timeout = new AbortController()
    try {
      const found = await Promise.race([look, delay(remainingMs, hung, { signal: timeout.signal })])
      if (found === hung) lastError = new Error('the last look did not return')
      else if (found !== null && found !== undefined && found !== false) return found as T
      else lastError = undefined
    } catch (error) {
      lastError = error
    } finally {
      timeout.abort()
    }
    if (performance.now() >= until) throw new WaitTimeoutError(await timeoutMessage(options, deadlineMs, lastError), { cause: lastError })
    await delay(options.intervalMs ?? 25)
  }
}

/** The condition was not met in time; the message says which, and what was seen instead. */
export class WaitTimeoutError extends Error {
  override readonly name = 'WaitTimeoutError'
}

const hung = Symbol('hung')

async function timeoutMessage(options: WaitOptions, deadlineMs: number, lastError: unknown): Promise<string> {
  const lines = [`After ${deadlineMs} ms still waiting for ${options.what}.`]
  if (lastError !== undefined) lines.push(`Last error: ${lastError instanceof Error ? lastError.message : String(lastError)}`)
  if (options.describe !== undefined) lines.push(await describe(options.describe))
  return lines.join('\n')
}

async function describe(ask: () => Awaitable<unknown>): Promise<string> {
  try {
    const seen = await ask()
    return `Seen: ${typeof seen === 'string' ? seen : JSON.stringify(seen, null, 2)}`
  } catch (error) {
    return `Seen: nothing (${error instanceof Error ? error.message : String(error)})`
  }
}
