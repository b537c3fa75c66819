import type { TaskActivity, TaskId } from '@millrace/rest-api'
import type { StatusObserver } from '../storage/observed-status-store.ts'
import type { ConnectorStatus, TaskStatus } from '../storage/status-store.ts'
import type { ChangeEvent, StateChange } from './state-change.ts'

/** What is looked at now and then, because nobody tells of it. */
export interface Supervised {
  readonly connector: string
  /** Null: the connector itself. */
  readonly task: number | null
  readonly activity: TaskActivity
  readonly isGivenUp: boolean
  readonly lastCause: string | null
}

export interface StateWatchOptions {
  readonly workerId: string
  readonly tell: (change: StateChange) => void
}

/** Turns what a worker writes and does into changes that are worth telling. Each worker tells of what it runs itself, so that a cluster tells once. */
export class StateWatch implements StatusObserver {
  readonly #options: StateWatchOptions
  /** What is in trouble, as far as this worker has told. */
  readonly #failed = new Set<string>()
  readonly #stalled = new Set<string>()
  readonly #givenUp = new Set<string>()

  constructor(options: StateWatchOptions) {
    this.#options = options
  }

  connectorWritten(connector: string, status: ConnectorStatus, before: ConnectorStatus | null): void {
    this.#written(connector, null, status, before)
  }

  taskWritten(id: TaskId, status: TaskStatus, before: TaskStatus | null): void {
    this.#written(id.connector, id.task, status, before)
  }

  connectorDeleted(connector: string): void {
    this.#failed.delete(nameOf({ connector, task: null }))
  }

  taskDeleted(id: TaskId): void {
    this.#failed.delete(nameOf(id))
  }

  /** What the tasks of this worker do just now; to be called every few seconds. */
  looked(all: readonly Supervised[]): void {
    const present = new Set(all.map(nameOf))
    for (const names of [this.#stalled, this.#givenUp]) for (const name of names) if (!present.has(name)) names.delete(name)
    for (const supervised of all) {
      const name = nameOf(supervised)
      const { connector, task, activity, isGivenUp, lastCause } = supervised
      if (entered(this.#stalled, name, activity.state === 'stalled')) this.#tell('stalled', connector, task, activity.detail)
      // A failure ends a stall, too, but is no recovery.
      else if (left(this.#stalled, name, activity.state === 'stalled') && activity.state !== 'failed') this.#tell('recovered', connector, task, null)
      if (entered(this.#givenUp, name, isGivenUp)) this.#tell('restarts_given_up', connector, task, lastCause)
      else left(this.#givenUp, name, isGivenUp)
    }
  }

  /** As the leader sees it. @param workers by their REST URL. */
  groupChanged({ joined, left: gone }: { readonly joined: readonly string[]; readonly left: readonly string[] }, cause: string): void {
    for (const url of gone) this.#tellOfWorker('worker_left', url, cause)
    for (const url of joined) this.#tellOfWorker('worker_joined', url, null)
  }

  #written(connector: string, task: number | null, { state, trace }: ConnectorStatus | TaskStatus, before: ConnectorStatus | TaskStatus | null): void {
    const name = nameOf({ connector, task })
    if (state === 'FAILED') {
      this.#failed.add(name)
      this.#tell('failed', connector, task, firstLine(trace))
      return
    }
    // Another worker may have told of the failure; what stands between it and the next run need not.
    if (before?.state === 'FAILED') this.#failed.add(name)
    if (state === 'RUNNING' && this.#failed.delete(name)) this.#tell('recovered', connector, task, null)
    else if (state === 'PAUSED' || state === 'STOPPED') this.#failed.delete(name)
  }

  #tell(event: ChangeEvent, connector: string, task: number | null, cause: string | null): void {
    const { workerId, tell } = this.#options
    tell({ event, connector, task, worker_id: workerId, ...hinted(cause), at: new Date().toISOString() })
  }

  #tellOfWorker(event: ChangeEvent, url: string, cause: string | null): void {
    const workerId = URL.canParse(url) ? new URL(url).host : url
    this.#options.tell({ event, connector: null, task: null, worker_id: workerId, cause, hint: null, at: new Date().toISOString() })
  }
}

function nameOf({ connector, task }: Pick<Supervised, 'connector' | 'task'>): string {
  return task === null ? `connector ${connector}` : `task ${connector}-${task}`
}

function entered(names: Set<string>, name: string, isIn: boolean): boolean {
  if (!isIn || names.has(name)) return false
  names.add(name)
  return true
}

function left(names: Set<string>, name: string, isIn: boolean): boolean {
  return !isIn && names.delete(name)
}

/** The first line of a trace ends with its hint. */
function hinted(text: string | null): Pick<StateChange, 'cause' | 'hint'> {
  const [, cause = text, hint = null] = /^(.*) \[(MR-\d+)\]$/.exec(text ?? '') ?? []
  return { cause, hint }
}

/** The root cause, as the trace begins with it. */
function firstLine(trace: string | null): string | null {
  const line = trace?.split('\n', 1)[0]?.trim() ?? ''
  return line === '' ? null : line.slice(0, 500)
}
