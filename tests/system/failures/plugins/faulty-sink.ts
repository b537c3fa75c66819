import { appendFileSync } from 'node:fs'
import type { ConfigDef, Properties, SinkConnector, SinkRecord, SinkTask, SinkTaskContext, TopicPartitionOffset } from '@millrace/api'
import { Fault, faultConfig } from './fault.ts'

/** After a RetriableError the batch comes again after this. Milliseconds. */
const PUT_AGAIN_MS = 50

/** Writes each value as a line to a file. */
export class FaultySinkConnector implements SinkConnector {
  #properties: Properties = {}

  config(): ConfigDef {
    return faultConfig().define('file', { type: 'STRING', importance: 'HIGH', documentation: 'Where values go.' })
  }
  start(properties: Properties): void {
    this.#properties = properties
  }
  taskClass() {
    return FaultySinkTask
  }
  taskConfigs(): Properties[] {
    return [this.#properties]
  }
  stop(): void {}
}

class FaultySinkTask implements SinkTask {
  readonly delivery = 'transactional'
  #fault = new Fault({})
  #file = ''
  #taken = 0
  #context: SinkTaskContext | null = null

  async start(properties: Properties, context: SinkTaskContext): Promise<void> {
    this.#fault = new Fault(properties)
    this.#file = properties['file']!
    this.#context = context
    await this.#fault.at('start')
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    this.#context?.timeout(PUT_AGAIN_MS)
    await this.#fault.at(
      'put',
      records.map((record) => record.value),
    )
    for (const record of records) appendFileSync(this.#file, `${String(record.value)}\n`)
    this.#taken += records.length
  }

  /** Goes wrong where there is something to commit. */
  async preCommit(offsets: readonly TopicPartitionOffset[]): Promise<readonly TopicPartitionOffset[]> {
    if (this.#taken > 0) await this.#fault.at('commit')
    return offsets
  }

  async stop(): Promise<void> {
    await this.#fault.at('stop')
  }
}
