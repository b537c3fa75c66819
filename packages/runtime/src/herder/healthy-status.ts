import type { WorkerStatus } from '@millrace/rest-api'
import type { HerderWorker } from './herder-worker.ts'

/**
 * What a worker that is ready answers for its health; threads that only the end of the process removes are told.
 * @param warnings what an operator has to look at beside.
 */
export function healthyStatus(worker: Pick<HerderWorker, 'threads'>, warnings: readonly string[] = []): WorkerStatus {
  const message = 'Worker has completed startup and is ready to handle requests.'
  const abandoned = worker.threads().filter((thread) => thread.state === 'abandoned')
  const millrace = warnings.length === 0 ? {} : { millrace: { warnings } }
  if (abandoned.length === 0) return { status: 'healthy', message, ...millrace }
  const hosts = abandoned.flatMap((thread) => thread.hosts).join(', ')
  return { status: 'healthy', message: `${message} Threads that are blocked for good until it is restarted: ${abandoned.length} (${hosts}).`, ...millrace }
}
