import { ConnectError, type Counter, type PluginMetrics } from '@millrace/api'

/** The metrics of one plug-in, by name and tags (KIP-877). They live as long as the plug-in. */
export class RegisteredMetrics implements PluginMetrics {
  readonly #readers = new Map<string, () => number | string>()

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
    this.#readers.delete(metricKey(name, tags))
  }

  #register(name: string, tags: Readonly<Record<string, string>>, read: () => number | string): void {
    const key = metricKey(name, tags)
    if (this.#readers.has(key)) throw new ConnectError(`Metric "${name}" with these tags is already registered`)
    this.#readers.set(key, read)
  }
}

function metricKey(name: string, tags: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, Object.entries(tags).sort()])
}
