import {
  ConfigDef,
  type ConnectRecord,
  type Counter,
  type PluginContext,
  type Properties,
  type SourceConnector,
  type SourceConnectorContext,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
  type Transformation,
} from '@millrace/api'

/** A source that gives one record, and registers metrics of its own in connector and task (KIP-877). */
export class MeasuredSourceConnector implements SourceConnector {
  #properties: Properties = {}

  config(): ConfigDef {
    return new ConfigDef().define('topic', { type: 'STRING', importance: 'HIGH', documentation: 'Where the record goes.' })
  }
  start(properties: Properties, { metrics }: SourceConnectorContext): void {
    this.#properties = properties
    metrics.gauge('tables-known', 'Tables.', () => 3)
  }
  taskClass() {
    return MeasuredSourceTask
  }
  taskConfigs(): Properties[] {
    return [this.#properties]
  }
  stop(): void {}
}

class MeasuredSourceTask implements SourceTask {
  #topic = ''
  #rows: Counter | null = null

  start({ topic = '' }: Properties, { metrics }: SourceTaskContext): void {
    this.#topic = topic
    this.#rows = metrics.counter('rows-read-total', 'Rows.', { table: 'orders' })
    metrics.gauge('phase', 'What it does.', () => 'streaming')
    metrics.gauge('broken', 'Throws.', () => {
      throw new Error('not now')
    })
  }
  async poll(): Promise<SourceRecord[] | null> {
    const topic = this.#topic
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (topic === '') return null
    this.#topic = ''
    this.#rows?.add()
    return [
      {
        topic,
        kafkaPartition: null,
        keySchema: null,
        key: null,
        valueSchema: null,
        value: 'one',
        timestamp: null,
        headers: null,
        sourcePartition: {},
        sourceOffset: { done: true },
      },
    ]
  }
  stop(): void {}
}

/** Counts what passes it. */
export class MeasuredTransformation implements Transformation {
  #passed: Counter | null = null

  config(): ConfigDef {
    return new ConfigDef()
  }
  configure(_properties: Properties, { metrics }: PluginContext): void {
    this.#passed = metrics.counter('passed-total', 'Records.')
  }
  apply<R extends ConnectRecord>(record: R): R {
    this.#passed?.add()
    return record
  }
}
