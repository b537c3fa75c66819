import { ConfigDef, type Properties, type SinkTask } from '@millrace/api'
import { misbehaviours } from './misbehaviour.ts'
import { plainSinkConnector } from './plain-sink-connector.ts'

const definition = new ConfigDef().define('behaviour', {
  type: 'STRING',
  default: '',
  importance: 'HIGH',
  documentation: 'What goes wrong, and in which call: `put hang`.',
})

/** Takes all records; does in one of its calls what plug-ins should not do (`behaviour` = `<call> <misbehaviour>`). */
export class MisbehavingSinkConnector extends plainSinkConnector(definition, () => TakingSinkTask) {}

class TakingSinkTask implements SinkTask {
  #properties: Properties = {}

  start(properties: Properties): void {
    this.#properties = properties
  }
  async put(records: readonly unknown[]): Promise<void> {
    if (records.length > 0) await this.#misbehave('put')
  }
  async stop(): Promise<void> {
    await this.#misbehave('stop')
  }

  #misbehave(call: string): void | Promise<void> {
    const [when, what = ''] = (this.#properties['behaviour'] ?? '').split(' ')
    if (when === call) return misbehaviours[what]?.(this.#properties['fifo'] ?? '')
  }
}
