import { Worker } from 'node:worker_threads'
import { FailureError, failureOf, type Failure, runtimeFailure } from '../errors/failure.ts'
import { entryUrl, threadEntryUrl, type ThreadKind } from './entry-url.ts'
import { heartbeatIntervalMsMax } from './heartbeat.ts'
import type { Answer, LogLine, Refusal, ThreadFailed, ThreadReady, ThreadStart } from './messages.ts'
import { Requests } from './requests.ts'
import type { ThreadLog } from './thread-log.ts'
import { type MarkedCall, ThreadMarker } from './thread-marker.ts'

/** What a thread may take. */
export interface ThreadLimits {
  /** Heap and external memory (Buffers) together, in bytes. Sampled: the heap's own cap is set `HEAP_CAP_FACTOR` times higher. */
  readonly memoryMaxBytes: number
  /** How long the event loop may stand still. Milliseconds. */
  readonly hangTimeoutMs: number
  /** How long after `terminate` an exit may take before the thread is given up. Milliseconds. */
  readonly abandonTimeoutMs: number
}

/** Why a thread cannot go on. `slot`: whose code held the event loop, as the marker says; 0 where it does not say. */
export type ThreadTrouble =
  | { readonly kind: 'hang'; readonly slot: number; readonly call: MarkedCall; readonly failure: Failure }
  | { readonly kind: 'memory' | 'pool'; readonly slot: 0; readonly failure: Failure }
  | { readonly kind: 'failed'; readonly slot: 0; readonly failure: Failure }

export interface ThreadListener<FromThread> {
  /** A message that is neither an answer nor one that every kind of thread sends. */
  message(message: FromThread): void
  /** The thread hangs, takes too much, failed as a whole or ended on its own. Told at most once; the listener ends the thread. */
  troubled(trouble: ThreadTrouble): void
}

/** How a thread ended: it exited, or it is still there and cannot be interrupted. */
export type ThreadEnd = 'terminated' | 'abandoned'

/** What all kinds of threads send. */
type Shared = ThreadReady | ThreadFailed | LogLine | Answer | Refusal

const SAMPLE_INTERVAL_MS = 100
/** A thread that works for less than this between two samples is left in peace: to measure it would wake it. */
const MEASURED_ACTIVE_MS_MIN = 10
const HEAP_CAP_FACTOR = 4
const MIB = 1024 * 1024

/**
 * Objects of a record live for milliseconds. A third of this is what is filled between two collections: where it holds only a few batches, the one
 * in hand is a large part of it and moves to the old generation each time. From 12 to 32 MiB, reading a file takes about a fifth less CPU.
 */
const YOUNG_GENERATION_MIB_MAX = 32

/** How long a thread may take from its start to its first message. Milliseconds. */
const START_TIMEOUT_MS = 60_000

/** An event loop that does not turn: the slot of the task (or connector) whose call holds it, 0 where that is not known; milliseconds. */
export interface HeldThread {
  readonly slot: number
  readonly call: MarkedCall
  readonly forMs: number
}

/**
 * A thread of ours as the main thread sees it: started, asked, watched and ended. The watch does not need the thread's help: the heap can be
 * measured while the thread is busy, the heartbeat is read from shared memory, and libuv tells for how long the event loop rested.
 */
export class WorkerThread<ToThread extends { readonly type: string }, FromThread extends { readonly type: string }> {
  readonly kind: ThreadKind
  /** Resolves when the thread listens; rejects where it ended before that. */
  readonly ready: Promise<void>
  readonly #worker: Worker
  readonly #marker = new ThreadMarker()
  readonly #requests = new Requests()
  readonly #limits: ThreadLimits
  readonly #listener: ThreadListener<FromThread>
  readonly #log: ThreadLog
  readonly #exited = Promise.withResolvers<void>()
  readonly #ready = Promise.withResolvers<void>()
  readonly #forgetLevels: () => void
  readonly #endWatch: () => void
  #isTroubled = false
  /** What pending requests fail with when the thread ends. */
  #reason: Error | null = null
  #end: Promise<ThreadEnd> | null = null
  #state: 'running' | 'ending' | ThreadEnd = 'running'
  #beats = 0
  #beatAtMs = performance.now()
  /** What the event loop has rested in all. Milliseconds. */
  #restedMs = 0
  #sampledAtMs = performance.now()
  #isMeasuring = false
  #usedBytes = 0
  #isListening = false

  constructor(kind: ThreadKind, options: { readonly limits: ThreadLimits; readonly listener: ThreadListener<FromThread>; readonly log: ThreadLog }) {
    this.kind = kind
    this.ready = this.#ready.promise
    this.ready.catch(() => {})
    this.#limits = options.limits
    this.#listener = options.listener
    this.#log = options.log
    const start: ThreadStart = {
      entry: entryUrl(kind).href,
      marker: this.#marker.buffer,
      heartbeatIntervalMsMax: heartbeatIntervalMsMax(options.limits.hangTimeoutMs),
      logLevels: options.log.levels(),
    }
    this.#worker = new Worker(threadEntryUrl, {
      workerData: start,
      name: kind,
      resourceLimits: {
        maxOldGenerationSizeMb: Math.ceil((HEAP_CAP_FACTOR * options.limits.memoryMaxBytes) / MIB),
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB_MAX,
      },
    })
    this.#worker.on('message', (message: FromThread | Shared) => this.#receive(message))
    this.#worker.on('messageerror', (error) => this.#trouble({ kind: 'failed', slot: 0, failure: failureOf(error) }))
    this.#worker.on('error', (error) => this.#failed(error))
    this.#worker.on('exit', () => this.#onExit())
    this.#forgetLevels = options.log.onLevelsChange((levels) => this.post({ type: 'change-log-levels', levels } as unknown as ToThread))
    this.#endWatch = everySample(() => this.#sample())
  }

  get state(): 'running' | 'ending' | ThreadEnd {
    return this.#state
  }

  /** Heap and external memory when it was last sampled, in bytes. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Whether the event loop turned lately: a message may then be expected to be read. */
  get isResponsive(): boolean {
    return performance.now() - this.#beatAtMs < 10 * SAMPLE_INTERVAL_MS
  }

  /** Who holds the event loop so that it does not turn, and for how long; null where it turned lately. Time in which the main thread was held up does not count. */
  get held(): HeldThread | null {
    if (this.#state !== 'running' || !this.#isListening || this.isResponsive) return null
    return { slot: this.#marker.inside, call: this.#marker.insideCall, forMs: performance.now() - this.#beatAtMs }
  }

  post(message: ToThread): void {
    if (this.#state === 'running') this.#worker.postMessage(message)
  }

  /** @returns the thread's answer; rejects with its refusal, or when the thread ends first. */
  request<T>(make: (request: number) => ToThread): Promise<T> {
    return this.#requests.send((request) => this.#worker.postMessage(make(request)))
  }

  /** Sends an answer to a request of the thread, whatever the thread is doing. */
  reply(message: Answer | Refusal): void {
    if (this.#state === 'running') this.#worker.postMessage(message)
  }

  /** Reports trouble that was found from outside. */
  blame(trouble: ThreadTrouble): void {
    if (this.#state === 'running') this.#trouble(trouble)
  }

  /** Ends the thread at once. A native call that blocks cannot be interrupted: the thread is then left behind and no longer kept alive for. */
  terminate(): Promise<ThreadEnd> {
    this.#end ??= this.#terminate()
    return this.#end
  }

  async #terminate(): Promise<ThreadEnd> {
    this.#isTroubled = true
    if (this.#state === 'running') this.#state = 'ending'
    this.#release()
    this.#worker.terminate().catch(() => {
      // An exit is what counts; it is waited for below.
    })
    const limit = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => limit.resolve(false), this.#limits.abandonTimeoutMs)
    const isGone = await Promise.race([this.#exited.promise.then(() => true), limit.promise])
    clearTimeout(timer)
    if (!isGone) this.#worker.unref()
    this.#state = isGone ? 'terminated' : 'abandoned'
    return this.#state
  }

  #receive(message: FromThread | Shared): void {
    // What a thread says after it was given up no longer counts.
    if (this.#state !== 'running') return
    if (isShared(message)) this.#receiveShared(message)
    else this.#listener.message(message)
  }

  #receiveShared(message: Shared): void {
    switch (message.type) {
      case 'ready':
        this.#isListening = true
        this.#beatAtMs = performance.now()
        return this.#ready.resolve()
      case 'log':
        return this.#log.write(message)
      case 'answer':
      case 'refusal':
        return this.#requests.settle(message)
      case 'thread-failed':
        return this.#trouble({ kind: 'failed', slot: 0, failure: message.failure })
    }
  }

  /** Heartbeat and memory. Time in which the main thread itself was held up does not count against the thread. */
  #sample(): void {
    const nowMs = performance.now()
    const lateMs = Math.max(0, nowMs - this.#sampledAtMs - 2 * SAMPLE_INTERVAL_MS)
    const elapsedMs = nowMs - this.#sampledAtMs
    this.#sampledAtMs = nowMs
    const activeMs = elapsedMs - this.#restedSinceLastTime()
    const { beats } = this.#marker
    if (beats !== this.#beats) {
      this.#beats = beats
      this.#beatAtMs = nowMs
      return this.#uses(this.#marker.usedBytes)
    }
    if (activeMs < elapsedMs) {
      // Between two beats, but it turned.
      this.#beatAtMs = nowMs
      if (activeMs >= MEASURED_ACTIVE_MS_MIN) this.#measure()
      return
    }
    this.#beatAtMs += lateMs
    const limitMs = this.#isListening ? this.#limits.hangTimeoutMs : START_TIMEOUT_MS
    if (nowMs - this.#beatAtMs > limitMs) this.#hangs(limitMs)
    else this.#measure()
  }

  /** Milliseconds; 0 before the thread listens: until then only its start counts. */
  #restedSinceLastTime(): number {
    const before = this.#restedMs
    this.#restedMs = this.#worker.performance.eventLoopUtilization().idle
    return this.#isListening ? Math.max(0, this.#restedMs - before) : 0
  }

  #hangs(limitMs: number): void {
    const message = `A synchronous call did not return within ${limitMs} ms, so that nothing else could run in its thread. The thread was terminated.`
    this.#trouble({ kind: 'hang', slot: this.#marker.inside, call: this.#marker.insideCall, failure: runtimeFailure('TASK_HANG', message) })
  }

  /** Measures a thread that is too busy to say so itself. */
  #measure(): void {
    if (this.#isMeasuring || this.#state !== 'running') return
    this.#isMeasuring = true
    // Not answered while a native call blocks; then there is nothing new to learn either.
    this.#worker.getHeapStatistics().then(
      ({ used_heap_size: heap, external_memory: external }) => {
        this.#isMeasuring = false
        this.#uses(heap + external)
      },
      () => {
        // The thread is not yet, or no longer, running.
        this.#isMeasuring = false
      },
    )
  }

  #uses(usedBytes: number): void {
    const { memoryMaxBytes } = this.#limits
    this.#usedBytes = usedBytes
    if (usedBytes <= memoryMaxBytes || this.#state !== 'running') return
    const message = `The memory of its thread, ${this.#usedBytes} bytes, exceeds the limit of ${memoryMaxBytes} bytes (millrace.task.memory.max.bytes). The thread was terminated.`
    this.#trouble({ kind: 'memory', slot: 0, failure: runtimeFailure('TASK_OUT_OF_MEMORY', message) })
  }

  /** The thread ends by itself with an error: out of its heap's cap, or an error of ours. */
  #failed(error: unknown): void {
    const isMemory = (error as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
    const failure = isMemory ? runtimeFailure('TASK_OUT_OF_MEMORY', 'Its thread ran out of memory and was terminated.') : failureOf(error)
    this.#trouble({ kind: isMemory ? 'memory' : 'failed', slot: 0, failure })
  }

  #onExit(): void {
    this.#trouble({
      kind: 'failed',
      slot: 0,
      failure: runtimeFailure('THREAD_EXITED', 'Its thread ended unexpectedly; a plug-in may have called process.exit().'),
    })
    this.#state = 'terminated'
    this.#release()
    this.#exited.resolve()
  }

  #trouble(trouble: ThreadTrouble): void {
    if (this.#isTroubled) return
    this.#isTroubled = true
    this.#reason = new FailureError(trouble.failure)
    this.#listener.troubled(trouble)
  }

  #release(): void {
    const error = this.#reason ?? new FailureError(runtimeFailure('THREAD_EXITED', 'The thread was ended'))
    this.#endWatch()
    this.#forgetLevels()
    this.#requests.failAll(error)
    this.#ready.reject(error)
  }
}

const samples = new Set<() => void>()
let sampleTimer: NodeJS.Timeout | undefined

/** All threads are looked at in the same turn: the main thread of a worker at rest does little else. @returns what ends it; may be called repeatedly. */
function everySample(sample: () => void): () => void {
  samples.add(sample)
  sampleTimer ??= setInterval(() => samples.forEach((each) => each()), SAMPLE_INTERVAL_MS).unref()
  return () => {
    if (!samples.delete(sample) || samples.size > 0) return
    clearInterval(sampleTimer)
    sampleTimer = undefined
  }
}

function isShared(message: { readonly type: string }): message is Shared {
  return message.type === 'ready' || message.type === 'log' || message.type === 'answer' || message.type === 'refusal' || message.type === 'thread-failed'
}
