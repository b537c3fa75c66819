import { setTimeout as delay } from 'node:timers/promises'
import {
  type ConfigDef,
  type Properties,
  RetriableError,
  type SourceConnector,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from '@millrace/api'
import { Fault, faultConfig } from './fault.ts'

/** How many records there are: `1`, `2`, … */
export const RECORDS = 10

const PARTITION = { numbers: 'all' }
const POLL_INTERVAL_MS = 10

/** Reads ten numbers, then nothing more. */
export class FaultySourceConnector implements SourceConnector {
  #properties: Properties = {}

  config(): ConfigDef {
    return faultConfig().define('topic', { type: 'STRING', importance: 'HIGH', documentation: 'Where records go.' })
  }
  start(properties: Properties): void {
    this.#properties = properties
  }
  taskClass() {
    return FaultySourceTask
  }
  taskConfigs(): Properties[] {
    return [this.#properties]
  }
  stop(): void {}
}

class FaultySourceTask implements SourceTask {
  #fault = new Fault({})
  #topic = ''
  #last = 0
  #polled: number | null = null
  #acknowledged = 0
  /** Since all records were acknowledged. */
  #commits = 0
  #signal: AbortSignal | null = null

  async start(properties: Properties, { offsetStorageReader, signal }: SourceTaskContext): Promise<void> {
    this.#fault = new Fault(properties)
    this.#topic = properties['topic']!
    this.#signal = signal
    await this.#fault.at('start')
    this.#last = Number((await offsetStorageReader.offset(PARTITION))?.['last'] ?? 0)
  }

  async poll(): Promise<SourceRecord[]> {
    const records = Array.from({ length: RECORDS - this.#last }, (_, index) => this.#record(this.#last + index + 1))
    try {
      await this.#fault.at(
        'poll',
        records.map((record) => record.value),
      )
    } catch (error) {
      // As the contract says: a task that wants to be polled again paces itself.
      if (error instanceof RetriableError) await delay(POLL_INTERVAL_MS)
      throw error
    }
    this.#last = RECORDS
    this.#polled ??= records.length
    if (records.length === 0) await delay(POLL_INTERVAL_MS, undefined, { signal: this.#signal! }).catch(() => {})
    return records
  }

  commitRecord(): void {
    this.#acknowledged++
  }

  /** Goes wrong after a commit that covered all records. */
  async commit(): Promise<void> {
    if (this.#polled === null || this.#acknowledged < this.#polled || this.#commits++ === 0) return
    await this.#fault.at('commit')
  }

  async stop(): Promise<void> {
    await this.#fault.at('stop')
  }

  #record(number: number): SourceRecord {
    return {
      topic: this.#topic,
      kafkaPartition: null,
      keySchema: null,
      key: null,
      valueSchema: null,
      value: String(number),
      timestamp: null,
      headers: null,
      sourcePartition: PARTITION,
      sourceOffset: { last: number },
    }
  }
}
