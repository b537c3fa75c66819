import type { WebhookEvent } from '../config/webhook-config.ts'

/** What is worth telling somebody. */
export type ChangeEvent = WebhookEvent | 'test'

/** One change, as the receiver of a webhook gets it in the plain form. */
export interface StateChange {
  readonly event: ChangeEvent
  /** Null where it is about a worker, or a test. */
  readonly connector: string | null
  /** Null where it is not about a task. */
  readonly task: number | null
  /** `host:port` of the worker that it happened on; of the one that left or came. */
  readonly worker_id: string
  /** One line in plain words; null where there is none. */
  readonly cause: string | null
  /** What `millrace explain` knows more of, such as `MR-2101`; null where there is none. */
  readonly hint: string | null
  /** ISO 8601. */
  readonly at: string
}

/** Whether it tells of the same as another one: what is told once need not be told again at once. */
export function subjectOf({ connector, task, worker_id }: StateChange): string {
  if (connector === null) return `worker ${worker_id}`
  return task === null ? `connector ${connector}` : `task ${connector}-${task}`
}

/** For a reader. */
export function changeText(change: StateChange): string {
  const { event, connector, task, worker_id, cause, hint } = change
  const because = cause === null ? '' : `: ${cause}${hint === null ? '' : ` [${hint}]`}`
  const subject = task === null ? `Connector ${connector}` : `Task ${connector}-${task}`
  switch (event) {
    case 'failed':
      return `${subject} has failed on ${worker_id}${because}`
    case 'recovered':
      return `${subject} runs again on ${worker_id}`
    case 'stalled':
      return `${subject} has stalled on ${worker_id}${because}`
    case 'restarts_given_up':
      return `${subject} is not restarted any more on ${worker_id}${because}`
    case 'worker_left':
      return `Worker ${worker_id} has left the group${because}`
    case 'worker_joined':
      return `Worker ${worker_id} has joined the group`
    case 'test':
      return `This is a test of worker ${worker_id}`
  }
}
