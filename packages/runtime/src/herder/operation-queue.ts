import { RestError } from './errors.ts'

/** Says what an operation is doing, for whoever waits for it in vain. */
export type ReportStage = (description: string) => void

export interface OperationQueueOptions {
  /** How long a caller waits. Milliseconds; default 90000, the request timeout of the original. */
  readonly timeoutMs?: number
  /** Operations that may wait or run for one connector. Default 100. */
  readonly lengthMax?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

interface Stage {
  readonly description: string
  readonly startedAt: number
}

/**
 * Carries out changes of one connector one after another, those of different connectors side by side: a plug-in that hangs holds up nobody else.
 * A caller that has waited too long hears so; the operation itself goes on, and what comes after it waits on.
 */
export class OperationQueue {
  readonly #timeoutMs: number
  readonly #lengthMax: number
  readonly #now: () => number
  /** By connector: the end of its last operation. */
  readonly #tails = new Map<string, { end: Promise<void>; length: number }>()
  #isClosed = false

  constructor({ timeoutMs = 90_000, lengthMax = 100, now = Date.now }: OperationQueueOptions = {}) {
    this.#timeoutMs = timeoutMs
    this.#lengthMax = lengthMax
    this.#now = now
  }

  /**
   * Runs `operation` after all earlier ones of this connector, whether they succeeded or not.
   * @throws what the operation throws; RestError 500 after the timeout, 503 where too many are waiting already, or the queue is closed.
   */
  run<T>(connector: string, operation: (stage: ReportStage) => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(stopping())
    const tail = this.#tails.get(connector) ?? { end: Promise.resolve(), length: 0 }
    if (tail.length >= this.#lengthMax) return Promise.reject(new RestError(503, `Too many requests for connector ${connector} are waiting already`))
    return this.withTimeout(async (stage) => {
      stage('waiting for earlier requests for this connector to end')
      const outcome = tail.end.then(() => {
        if (this.#isClosed) throw stopping()
        return operation(stage)
      })
      this.#append(connector, tail, outcome)
      return outcome
    })
  }

  /** Runs `operation` at once, under the timeout alone. */
  async withTimeout<T>(operation: (stage: ReportStage) => Promise<T>): Promise<T> {
    let stage: Stage | null = null
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(timedOut(stage)), this.#timeoutMs)
    })
    try {
      const outcome = operation((description) => {
        stage = { description, startedAt: this.#now() }
      })
      return await Promise.race([outcome, timeout])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Refuses everything that has not begun. */
  close(): void {
    this.#isClosed = true
  }

  /** Resolves when everything that was waiting has ended. */
  async idle(): Promise<void> {
    await Promise.all([...this.#tails.values()].map((tail) => tail.end))
  }

  #append(connector: string, tail: { end: Promise<void>; length: number }, outcome: Promise<unknown>): void {
    const next = { end: Promise.resolve(), length: tail.length + 1 }
    // A failure belongs to whoever asked for the operation.
    next.end = outcome.then(
      () => undefined,
      () => undefined,
    )
    this.#tails.set(connector, next)
    void next.end.then(() => {
      const last = this.#tails.get(connector)
      if (last === next) this.#tails.delete(connector)
      else if (last !== undefined) last.length -= 1
    })
  }
}

function stopping(): RestError {
  return new RestError(503, 'The worker is stopping')
}

function timedOut(stage: Stage | null): RestError {
  if (stage === null) return new RestError(500, 'Request timed out')
  return new RestError(500, `Request timed out. The worker is currently ${stage.description}, which began at ${new Date(stage.startedAt).toISOString()}.`)
}
