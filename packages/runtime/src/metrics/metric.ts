/** Tags of a metric by the names that they have in Java: `connector`, `client-id`. Metrics of one thing may share one object. */
export type MetricTags = Readonly<Record<string, string>>

/** One metric at the moment of reading, under the name that Java's JMX has for it. */
export interface Metric {
  /** The `type` of the MBean, such as `sink-task-metrics`; `plugins` for those of plug-ins; `millrace-…` for additions. */
  readonly group: string
  /** The attribute of the MBean, such as `put-batch-avg-time-ms`. */
  readonly name: string
  readonly tags: MetricTags
  /** NaN where there is nothing to tell, such as the average of nothing. Text, such as a state, becomes a label. */
  readonly value: number | string
}

/**
 * Which names Prometheus sees. `short`: those of the widespread rule files of Strimzi (`kafka_connect_worker_connector_count`). `full`: those that the JMX
 * exporter makes without rules, and with Confluent's (`kafka_connect_connect_worker_metrics_connector_count`).
 */
export type MetricStyle = 'short' | 'full'

/** Metrics of one name, as Prometheus reads them. */
export interface MetricFamily {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  /** One line for each metric, in the same form in both formats; bytes where they come from another thread. */
  readonly lines: string | Uint8Array
}

/** Families on their way to another thread: one block of bytes crosses several times faster than texts, and costs the receiver next to nothing. */
export interface PackedMetrics {
  readonly families: readonly (Omit<MetricFamily, 'lines'> & { readonly length: number })[]
  /** The lines of all of them, one after the other. */
  readonly bytes: Uint8Array
}
