/**
 * Metrics of a plug-in's own (KIP-877, `org.apache.kafka.common.metrics.PluginMetrics`). They appear in the group `plugins` with the tags of
 * the connector, task, converter, transformation or predicate, and are removed when the plug-in is closed.
 */
export interface PluginMetrics {
  /**
   * Registers a gauge. `read` is called at each scrape, on the plug-in's thread, and should return at once.
   * @throws ConnectError when the name with these tags is already registered.
   */
  gauge(name: string, description: string, read: () => number | string, tags?: Readonly<Record<string, string>>): void
  /** Registers a counter that starts at 0. @throws ConnectError when the name with these tags is already registered. */
  counter(name: string, description: string, tags?: Readonly<Record<string, string>>): Counter
  /** Removes a metric; unknown ones are ignored. */
  remove(name: string, tags?: Readonly<Record<string, string>>): void
}

export interface Counter {
  /** Adds `amount` (default 1; not negative). */
  add(amount?: number): void
}
