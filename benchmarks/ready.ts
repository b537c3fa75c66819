import { setTimeout as delay } from 'node:timers/promises'
import type { LaunchedWorker } from './sides.ts'

/** Looks every few milliseconds until `GET /` is answered with 200, and resolves with the time of that. */
export async function untilReady(worker: LaunchedWorker, deadlineMs = 180_000): Promise<number> {
  const until = performance.now() + deadlineMs
  while (performance.now() < until) {
    if (worker.process.hasExited) throw new Error(`The worker ended with exit code ${worker.process.exit?.code}:\n${worker.process.output.slice(-3000)}`)
    if (await answers(worker.url)) return performance.now()
    await delay(5)
  }
  throw new Error(`The worker did not answer within ${deadlineMs} ms:\n${worker.process.output.slice(-3000)}`)
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/`, { signal: AbortSignal.timeout(2000) })
    await response.body?.cancel()
    return response.status === 200
  } catch {
    // Not listening yet.
    return false
  }
}
