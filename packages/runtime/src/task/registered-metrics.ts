import { ConnectError, type Counter, type PluginMetrics } from '@millrace/api'
import type { Metric, MetricTags } from '../metrics/metric.ts'

interface Registered {
  readonly name: string
  readonly tags: MetricTags
  readonly read: () => number | string
}

/** The metrics of one plug-in, by name and tags (KIP-877). They live as long as the plug-in. */
export class RegisteredMetrics implements PluginMetrics {
  readonly #scope: MetricTags
  readonly #registered = new Map<string, Registered>()

  /** @param scope says whose metrics they are: `connector`, `task`, and `converter`, `transformation` or `predicate`. Stronger than tags of the plug-in's own. */
  constructor(scope: MetricTags) {
    this.#scope = scope
  }

  gauge(name: string, _description: string, read: () => number | string, tags: Readonly<Record<string, string>> = {}): void {
    this.#register(name, tags, read)
  }

  counter(name: string, _description: string, tags: Readonly<Record<string, string>> = {}): Counter {
    let value = 0
    this.#register(name, tags, () => value)
    return {
      add(amount = 1) {
        value += amount
      },
    }
  }

  remove(name: string, tags: Readonly<Record<string, string>> = {}): void {
    this.#registered.delete(metricKey(name, tags))
  }

  /** As they are now. One whose gauge throws, or gives something else than a number or text, is left out. */
  list(): Metric[] {
    const metrics: Metric[] = []
    for (const { name, tags, read } of this.#registered.values()) {
      const value = valueOf(read)
      if (typeof value === 'number' || typeof value === 'string') metrics.push({ group: 'plugins', name, tags, value })
    }
    return metrics
  }

  #register(name: string, tags: Readonly<Record<string, string>>, read: () => number | string): void {
    const key = metricKey(name, tags)
    if (this.#registered.has(key)) throw new ConnectError(`Metric "${name}" with these tags is already registered`)
    this.#registered.set(key, { name, tags: { ...stringTags(tags), ...this.#scope }, read })
  }
}

function valueOf(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return null
  }
}

/** Plug-ins need not be written in TypeScript. */
function stringTags(tags: MetricTags): MetricTags {
  return Object.fromEntries(Object.entries(tags).map(([tag, value]) => [tag, String(value)]))
}

function metricKey(name: string, tags: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, Object.entries(tags).sort()])
}
