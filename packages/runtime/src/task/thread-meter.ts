import { threadId } from 'node:worker_threads'
import type { Metric, MetricStyle, MetricTags, PackedMetrics } from '../metrics/metric.ts'
import type { ThreadMarker } from '../thread/thread-marker.ts'
import { nextTurn, TURN_MS_MAX } from './event-loop.ts'

/** Measures a thread from inside, and writes the metrics of all that it runs. */
export class ThreadMeter {
  readonly #kind: 'task' | 'connector'
  readonly #tags: MetricTags
  readonly #marker: Pick<ThreadMarker, 'usedBytes'>
  #utilization = performance.eventLoopUtilization()
  #lateMs = 0

  constructor(kind: 'task' | 'connector', marker: Pick<ThreadMarker, 'usedBytes'>) {
    this.#kind = kind
    this.#tags = { kind, thread: String(threadId) }
    this.#marker = marker
  }

  /** Called by the timer of the thread's heartbeat: how late it comes is how late everything else comes. */
  beat(lateMs: number): void {
    this.#lateMs = Math.max(this.#lateMs, lateMs)
  }

  /** @param sources one for each task or connector; between them others have their turn. */
  async read(style: MetricStyle, sources: readonly (() => readonly Metric[])[]): Promise<PackedMetrics> {
    // Loaded by the first reading: most threads are never asked.
    const { MetricLines } = await import('../metrics/metric-lines.ts')
    const lines = new MetricLines(style)
    lines.addAll(this.#own(sources.length))
    let startedAtMs = performance.now()
    for (const source of sources) {
      if (performance.now() - startedAtMs > TURN_MS_MAX) {
        await nextTurn()
        startedAtMs = performance.now()
      }
      lines.addAll(source())
    }
    return lines.packed()
  }

  #own(hosted: number): Metric[] {
    const utilization = performance.eventLoopUtilization()
    const metric = (name: string, value: number): Metric => ({ group: 'millrace_thread', name, tags: this.#tags, value })
    const metrics = [
      metric(this.#kind === 'task' ? 'tasks' : 'connectors', hosted),
      metric('memory-bytes', this.#marker.usedBytes),
      metric('event-loop-utilization', performance.eventLoopUtilization(utilization, this.#utilization).utilization),
      metric('event-loop-delay-seconds', this.#lateMs / 1000),
    ]
    this.#utilization = utilization
    this.#lateMs = 0
    return metrics
  }
}
