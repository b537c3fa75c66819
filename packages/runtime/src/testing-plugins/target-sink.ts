import { connect } from 'node:net'
import {
  ConfigDef,
  type Properties,
  RetriableError,
  range,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type TopicPartitionOffset,
} from '@millrace/api'
import { plainSinkConnector } from './plain-sink-connector.ts'

const definition = new ConfigDef()
  .define('target.port', { type: 'INT', importance: 'HIGH', documentation: 'Port on loopback of a server that answers each batch of lines by one.' })
  .define('gather.records', {
    type: 'INT',
    default: 1,
    importance: 'LOW',
    validator: range.atLeast(1),
    documentation: 'Records that are written together; fewer wait for gather.ms.',
  })
  .define('gather.ms', { type: 'LONG', default: 10_000, importance: 'LOW', documentation: 'How long records wait for others. Milliseconds.' })

/** Writes values as lines to a server, which may be away, answer nothing, or come back; waits for its answer as long as it takes. */
export class TargetSinkConnector extends plainSinkConnector(definition, () => TargetSinkTask) {}

class TargetSinkTask implements SinkTask {
  #config = { 'target.port': 0, 'gather.records': 1, 'gather.ms': 0 }
  #context: SinkTaskContext | null = null
  #gathered: SinkRecord[] = []
  #untilMs = 0
  /** The position after what the target has, per partition. */
  readonly #written = new Map<string, TopicPartitionOffset>()

  start(properties: Properties, context: SinkTaskContext): void {
    this.#config = definition.parse(properties)
    this.#context = context
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    const all = [...this.#gathered, ...records]
    if (all.length === 0) return
    if (this.#gathered.length === 0) this.#untilMs = Date.now() + this.#config['gather.ms']
    const of = this.#config['gather.records']
    if (all.length < of && Date.now() < this.#untilMs) {
      this.#gathered = all
      this.#context?.waitingForBatch?.({ records: all.length, of, untilMs: this.#untilMs })
      return
    }
    await this.#write(all)
    this.#gathered = []
    this.#context?.waitingForBatch?.(null)
    for (const { topic, kafkaPartition: partition, kafkaOffset } of all) {
      this.#written.set(`${topic}-${partition}`, { topic, partition, offset: Number(kafkaOffset) + 1 })
    }
  }

  preCommit(): readonly TopicPartitionOffset[] {
    return [...this.#written.values()]
  }

  stop(): void {}

  #write(records: readonly SinkRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: this.#config['target.port'] })
      const fail = (cause: Error) => {
        socket.destroy()
        reject(new RetriableError('The target does not take the batch', { cause }))
      }
      const abort = () => fail(new Error('The task is being stopped'))
      this.#context?.signal.addEventListener('abort', abort, { once: true })
      socket.on('error', fail)
      socket.on('close', () => fail(new Error('The target has closed the connection')))
      socket.once('data', () => {
        this.#context?.signal.removeEventListener('abort', abort)
        resolve()
        socket.destroy()
      })
      socket.write(`${records.map(({ value }) => String(value)).join('\n')}\n\n`)
    })
  }
}
