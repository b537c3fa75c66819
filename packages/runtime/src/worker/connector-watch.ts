import type { ConnectorProgress, TaskActivity } from '@millrace/rest-api'
import type { StallAction, SupervisionConfig } from '../config/supervision-config.ts'
import { diagnosisOf } from '../errors/diagnosis.ts'
import { causesOf } from '../errors/failure.ts'
import type { ConnectorRunState } from './connector-lifecycle.ts'

export interface ConnectorWatchOptions {
  readonly stall: SupervisionConfig['stall']
  /** A call has not returned for `millrace.stall.timeout.ms`. Told once per call. */
  readonly stalled: (activity: TaskActivity) => void
  /** Takes secrets out of what is told. */
  readonly mask: (text: string) => string
}

interface Call {
  readonly name: 'start' | 'taskConfigs'
  /** Of `performance.now`. */
  readonly sinceMs: number
  readonly timer: NodeJS.Timeout | undefined
  readonly givenUp: PromiseWithResolvers<never>
}

/** What the last `taskConfigs` came to. */
type Division = { readonly tasks: number } | { readonly error: unknown }

/** What the instance of one connector does: which call has not returned, and what it made of its work. */
export class ConnectorWatch {
  readonly #options: ConnectorWatchOptions
  #call: Call | null = null
  #division: Division | null = null
  #state: ConnectorRunState = 'init'
  #stateSince = new Date()

  constructor(options: ConnectorWatchOptions) {
    this.#options = options
  }

  get stallAction(): StallAction {
    return this.#options.stall.action
  }

  /** Notes a call until it has returned. @returns what it returns; rejects early where it is given up. */
  async during<T>(name: Call['name'], returned: Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options.stall
    const timer = timeoutMs === 0 ? undefined : setTimeout(() => this.#tellStall(), timeoutMs)
    timer?.unref()
    const call: Call = { name, sinceMs: performance.now(), timer, givenUp: Promise.withResolvers<never>() }
    call.givenUp.promise.catch(() => {
      // Told to whoever waits below, if anybody does.
    })
    returned.catch(() => {
      // After it was given up nobody waits for it any more.
    })
    this.#call = call
    try {
      return await Promise.race([returned, call.givenUp.promise])
    } finally {
      clearTimeout(timer)
      if (this.#call === call) this.#call = null
    }
  }

  #tellStall(): void {
    if (this.#call !== null) this.#options.stalled(callActivity(this.#call, this.#options.stall.timeoutMs))
  }

  /** Whoever waits for the call that hangs waits no longer. */
  giveUp(error: Error): void {
    this.#call?.givenUp.reject(error)
  }

  generated(tasks: number): void {
    this.#division = { tasks }
  }

  refused(error: unknown): void {
    this.#division = { error }
  }

  close(): void {
    clearTimeout(this.#call?.timer)
  }

  /** The instance has another state. */
  entered(state: ConnectorRunState): void {
    if (state === this.#state) return
    this.#state = state
    this.#stateSince = new Date()
  }

  progress(): ConnectorProgress {
    return { activity: this.#activity(), warnings: this.#state === 'started' ? this.#warnings() : [] }
  }

  #activity(): TaskActivity {
    const call = this.#call
    if (call !== null && this.#state !== 'failed') return callActivity(call, this.#options.stall.timeoutMs)
    return { ...RESTING[this.#state], since: this.#stateSince.toISOString() }
  }

  #warnings(): string[] {
    if (this.#division === null) return []
    if ('error' in this.#division)
      return [`It could not divide its work into tasks, which is tried again: ${this.#options.mask(diagnosisOf(causesOf(this.#division.error)).rootCause)}`]
    if (this.#division.tasks > 0) return []
    return [
      'It runs with zero tasks, so nothing is copied: its taskConfigs() returned none. It may have found nothing to copy, such as no table, file or topic that fits its configuration.',
    ]
  }
}

function callActivity({ name, sinceMs }: Call, timeoutMs: number): TaskActivity {
  const forMs = Math.round(performance.now() - sinceMs)
  const since = new Date(Date.now() - forMs).toISOString()
  const detail = `${name}() has not returned for ${Math.floor(forMs / 1000)} s`
  if (timeoutMs > 0 && forMs >= timeoutMs) return { state: 'stalled', since, detail, stall: { reason: 'call', call: name, for_ms: forMs } }
  return { state: name === 'start' ? 'starting' : 'running', since, detail }
}

const RESTING: Readonly<Record<ConnectorRunState, Pick<TaskActivity, 'state' | 'detail'>>> = {
  init: { state: 'starting', detail: 'Its plug-in is being loaded' },
  started: { state: 'running', detail: 'Its instance runs' },
  paused: { state: 'paused', detail: 'Somebody has paused it' },
  stopped: { state: 'stopped', detail: 'Somebody has stopped it' },
  failed: { state: 'failed', detail: 'It has failed: its trace says why' },
}
