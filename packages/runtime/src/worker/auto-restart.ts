import type { Logger } from '@millrace/api'
import type { FailureClass, RestartInfo } from '@millrace/rest-api'
import type { SupervisionConfig } from '../config/supervision-config.ts'
import { type Failure, FailureError } from '../errors/failure.ts'
import { failureClassOf } from '../errors/failure-class.ts'

/** What is done after a failure of a class, as multiples of `millrace.restart.*`. */
export interface RestartPolicy {
  /** Restarts in a row at most; the smaller of this and `millrace.restart.max` counts. */
  readonly attemptsMax: number
  /** The first delay, as a multiple of `millrace.restart.delay.ms`. */
  readonly delayFactor: number
}

/**
 * What a restart can do for each class of errors. Whoever repairs a cause by another configuration restarts the tasks by that alone, so that nothing is lost
 * where we give up.
 */
export const restartPolicies: Readonly<Record<FailureClass, RestartPolicy>> = {
  // Networks and brokers come back: quickly at first.
  transient: { attemptsMax: Infinity, delayFactor: 1 },
  // Secrets are read again with each restart, and somebody has to change them first; too many tries lock accounts.
  authentication: { attemptsMax: Infinity, delayFactor: 30 },
  // Memory, disks, handles: what a restart frees may be enough, but it is no remedy for the neighbours.
  resource: { attemptsMax: 5, delayFactor: 10 },
  // It may have been a matter of timing.
  bug: { attemptsMax: 3, delayFactor: 1 },
  // A topic or a file that was to come may be there by now; otherwise it comes to the same.
  configuration: { attemptsMax: 1, delayFactor: 30 },
  // The same record fails in the same way.
  data: { attemptsMax: 0, delayFactor: 1 },
}

/** A connector, or one of its tasks. */
export interface RestartSubject {
  readonly connector: string
  /** Null: the connector itself. */
  readonly task: number | null
}

export interface AutoRestartOptions {
  /**
   * Restarts what failed, with references of configuration providers resolved again, in turn with what users ask for. Calls `begin` just before it stops
   * anything, and does nothing where that says false: somebody else has taken care of it. Rejects where it does not start.
   */
  readonly restart: (subject: RestartSubject, begin: () => boolean) => Promise<void>
  readonly logger: Logger
  readonly clock?: RestartClock
  /** From 0 up to 1. Default: `Math.random`. */
  readonly random?: () => number
}

/** Time, for tests. */
export interface RestartClock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `act` after `delayMs`, unless what it returns was called before. */
  after(delayMs: number, act: () => void): () => void
}

const realClock: RestartClock = {
  now: () => Date.now(),
  after(delayMs, act) {
    const timer = setTimeout(act, delayMs)
    return () => clearTimeout(timer)
  },
}

/** Delays are shorter by up to this part, by chance, so that many tasks do not come back all at once. */
const JITTER = 0.2

/** Of one subject, from its start to its stop. */
interface State {
  readonly subject: RestartSubject
  supervision: SupervisionConfig
  /** Restarts in a row. */
  attempts: number
  /** Since when it runs, as far as it was told; null: it does not. */
  runningSince: number | null
  /** The failure that is not taken care of yet: a restart is due, or a pause has to end first. */
  failure: Failure | null
  due: { readonly at: number; readonly cancel: () => void } | null
  /** A restart of ours is under way: stops and starts are its own. */
  isRestarting: boolean
  isGivenUp: boolean
  lastCause: string | null
}

/**
 * Restarts connectors and tasks that failed, where that is enabled: by the class of their error, with growing delays, up to a maximum. It hears of everything that
 * is started, stopped, paused or failed here; whatever a user or a rebalance does in between cancels what is due. One subject never has two restarts at once.
 */
export class AutoRestart {
  readonly #options: AutoRestartOptions
  readonly #clock: RestartClock
  readonly #states = new Map<string, State>()
  /** Connectors that are not to run now. */
  readonly #paused = new Set<string>()
  #isClosed = false

  constructor(options: AutoRestartOptions) {
    this.#options = options
    this.#clock = options.clock ?? realClock
  }

  // ─── what happens ───

  /** Somebody starts it, or a restart does: earlier failures count only in the latter case. */
  started(subject: RestartSubject, supervision: SupervisionConfig): void {
    if (this.#isClosed) return
    const state = this.#states.get(nameOf(subject))
    if (state?.isRestarting) {
      state.supervision = supervision
      return
    }
    state?.due?.cancel()
    this.#states.set(nameOf(subject), {
      subject,
      supervision,
      attempts: 0,
      runningSince: null,
      failure: null,
      due: null,
      isRestarting: false,
      isGivenUp: false,
      lastCause: null,
    })
  }

  /** Whether it was started and not stopped since. */
  has(subject: RestartSubject): boolean {
    return this.#states.has(nameOf(subject))
  }

  /** Somebody stops it, for whatever reason. */
  stopped(subject: RestartSubject): void {
    this.#paused.delete(subject.connector)
    const state = this.#states.get(nameOf(subject))
    if (state === undefined || state.isRestarting) return
    state.due?.cancel()
    this.#states.delete(nameOf(subject))
  }

  /** It runs, or is paused: after a while its earlier restarts are forgotten. */
  running(subject: RestartSubject): void {
    const state = this.#states.get(nameOf(subject))
    if (state === undefined) return
    state.runningSince ??= this.#clock.now()
    state.isGivenUp = false
  }

  /** It failed, which its status says already. */
  failed(subject: RestartSubject, failure: Failure): void {
    const state = this.#states.get(nameOf(subject))
    // A failure may be told twice: by who ran it and by who started it.
    if (state === undefined || state.failure !== null || state.isGivenUp || this.#isClosed) return
    this.#forgetAfterSuccess(state)
    state.runningSince = null
    state.isRestarting = false
    if (!isWanted(state.supervision, failure)) return
    state.lastCause = failure.report?.root_cause ?? failure.message
    state.failure = failure
    if (!this.#paused.has(subject.connector)) this.#schedule(state, failure)
  }

  /** While a connector is paused nothing of it is restarted; what was due is so again when it is resumed. */
  targetState(connector: string, target: 'STARTED' | 'PAUSED' | 'STOPPED'): void {
    if (target === 'STARTED') this.#paused.delete(connector)
    else this.#paused.add(connector)
    for (const state of this.#states.values()) {
      if (state.subject.connector !== connector || state.failure === null) continue
      if (target === 'STARTED' && state.due === null) this.#schedule(state, state.failure)
      if (target !== 'STARTED') {
        state.due?.cancel()
        state.due = null
      }
    }
  }

  /** Nothing is restarted any more. */
  close(): void {
    this.#isClosed = true
    for (const state of this.#states.values()) state.due?.cancel()
    this.#states.clear()
  }

  /** What the status shows; null where restarts are off and there was none. */
  info(subject: RestartSubject): RestartInfo | null {
    const state = this.#states.get(nameOf(subject))
    if (state === undefined) return null
    this.#forgetAfterSuccess(state)
    const { supervision, attempts, due, isGivenUp, lastCause } = state
    if (!supervision.restart.isEnabled && lastCause === null) return null
    return {
      enabled: supervision.restart.isEnabled,
      attempts,
      max: supervision.restart.attemptsMax,
      next_at: due === null ? null : new Date(due.at).toISOString(),
      given_up: isGivenUp,
      last_cause: lastCause,
    }
  }

  // ─── what is done about it ───

  #schedule(state: State, failure: Failure): void {
    const { attemptsMax: configuredMax } = state.supervision.restart
    const failureClass = classOf(failure)
    const policy = restartPolicies[failureClass]
    const attemptsMax = Math.min(configuredMax, policy.attemptsMax)
    const name = textOf(state.subject)
    if (state.attempts >= attemptsMax) {
      state.isGivenUp = true
      state.failure = null
      const why = attemptsMax === 0 ? 'which a restart does not help' : `and ${state.attempts} restarts have not helped`
      this.#options.logger.error(`${name} is not restarted: it failed with an error of class ${failureClass}, ${why}`)
      return
    }
    const delayMs = this.#delayMs(state, policy)
    this.#options.logger.warn(
      `${name} failed with an error of class ${failureClass}: it is restarted in ${delayMs} ms (restart ${state.attempts + 1} of ${attemptsMax})`,
    )
    state.due = { at: this.#clock.now() + delayMs, cancel: this.#clock.after(delayMs, () => this.#restart(state, failure)) }
  }

  #delayMs({ attempts, supervision }: State, { delayFactor }: RestartPolicy): number {
    const { random = Math.random } = this.#options
    const { delayMs, delayMaxMs } = supervision.restart
    const plainMs = delayMs * delayFactor * 2 ** Math.min(attempts, 30)
    return Math.max(1, Math.round(Math.min(delayMaxMs, plainMs) * (1 - JITTER * random())))
  }

  #restart(state: State, failure: Failure): void {
    state.due = null
    state.failure = null
    state.attempts++
    let isVoid = false
    const isCurrent = (): boolean => !isVoid && this.#states.get(nameOf(state.subject)) === state && !this.#isClosed
    const begin = (): boolean => {
      if (!isCurrent()) return false
      if (this.#paused.has(state.subject.connector)) {
        // Paused at the last moment: it is due again when it is resumed.
        state.failure = failure
        return false
      }
      state.isRestarting = true
      return true
    }
    this.#options.restart(state.subject, begin).then(
      () => {
        state.isRestarting = false
      },
      (error: unknown) => {
        this.#options.logger.warn(`The restart of ${textOf(state.subject)} failed`, error)
        // What failed after it began is told by whoever saw it; what did not begin must not begin any more.
        if (state.isRestarting || !isCurrent()) return
        isVoid = true
        this.failed(state.subject, failure)
      },
    )
  }

  #forgetAfterSuccess(state: State): void {
    const { runningSince, supervision } = state
    if (runningSince === null || this.#clock.now() - runningSince < supervision.restart.resetAfterMs) return
    state.attempts = 0
    state.lastCause = null
  }
}

/** A stall that is to be followed by a restart is, whatever else is enabled. */
function isWanted({ restart, stall }: SupervisionConfig, { code }: Failure): boolean {
  return restart.isEnabled || (code === 'TASK_STALLED' && stall.action === 'restart')
}

function classOf(failure: Failure): FailureClass {
  return failure.report?.class ?? failureClassOf(new FailureError(failure))
}

function nameOf({ connector, task }: RestartSubject): string {
  // No name of a connector has control characters.
  return task === null ? connector : `${connector}\0${task}`
}

function textOf({ connector, task }: RestartSubject): string {
  return task === null ? `Connector ${connector}` : `Task ${connector}-${task}`
}
