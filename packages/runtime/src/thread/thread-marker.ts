import { getHeapStatistics } from 'node:v8'
import type { TaskCall } from './messages.ts'

/** Calls of plug-ins that can be told apart. `records`: converters and transformations of a batch. `metrics`: gauges of a plug-in. */
export type MarkedCall = TaskCall | 'records' | 'hasBacklog' | 'taskConfigs' | 'metrics'

const MARKED_CALLS: readonly MarkedCall[] = [
  'records',
  'start',
  'poll',
  'put',
  'open',
  'close',
  'preCommit',
  'flush',
  'commit',
  'stop',
  'transform',
  'convert',
  'room',
  'hasBacklog',
  'taskConfigs',
  'metrics',
]

/**
 * A few numbers that a thread and the main thread share, so that the main thread can see what a thread does that no longer answers.
 *
 * - `inside`: the slot of the task (or connector) whose code runs synchronously just now; 0 where there is none. Written around each batch,
 *   not around each record. Where the event loop stands still, this is who holds it.
 * - `call`: what of it runs, for the report of a hang.
 * - `beats`: counted up by a timer of the thread (`heartbeat.ts`). An event loop that turns beats; one that is held by a synchronous call does not.
 * - `used`: memory of the thread when it last beat.
 */
export class ThreadMarker {
  readonly buffer: SharedArrayBuffer
  readonly #cells: Int32Array

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(16)) {
    this.buffer = buffer
    this.#cells = new Int32Array(buffer)
  }

  /** The code of `slot` (1 or more) is about to run. */
  enter(slot: number, call: MarkedCall = 'records'): void {
    this.#cells[CALL] = MARKED_CALLS.indexOf(call)
    Atomics.store(this.#cells, INSIDE, slot)
  }

  /** No plug-in's code runs any more, or it waits for a promise. */
  leave(): void {
    Atomics.store(this.#cells, INSIDE, 0)
  }

  /** Calls foreign code with the marker set for as long as it runs synchronously. */
  call<T>(slot: number, call: MarkedCall, code: () => T): T {
    this.enter(slot, call)
    try {
      return code()
    } finally {
      this.leave()
    }
  }

  /** Called by the thread's timer. */
  beat(): void {
    const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
    Atomics.store(this.#cells, USED, Math.min(Math.ceil((heap + external) / KIB), 0x7fffffff))
    Atomics.add(this.#cells, BEATS, 1)
  }

  /** Heap and external memory (Buffers) at the last beat, in bytes. */
  get usedBytes(): number {
    return Atomics.load(this.#cells, USED) * KIB
  }

  get inside(): number {
    return Atomics.load(this.#cells, INSIDE)
  }

  /** What runs of `inside`. */
  get insideCall(): MarkedCall {
    return MARKED_CALLS[this.#cells[CALL]!] ?? 'records'
  }

  get beats(): number {
    return Atomics.load(this.#cells, BEATS)
  }
}

const INSIDE = 0
const BEATS = 1
const USED = 2
const CALL = 3
const KIB = 1024
