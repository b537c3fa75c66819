import { appendFileSync } from 'node:fs'
import { ConfigDef, DataError, PartialPutError, type Properties, type SinkRecord, type SinkTask, validString } from '@millrace/api'
import { plainSinkConnector } from './plain-sink-connector.ts'

const definition = new ConfigDef()
  .define('file', { type: 'STRING', importance: 'HIGH', documentation: 'Where values are written to, one per line.' })
  .define('reject', { type: 'STRING', default: 'bad', importance: 'HIGH', documentation: 'Values that contain this text are refused.' })
  .define('says', {
    type: 'STRING',
    default: 'nothing',
    importance: 'HIGH',
    validator: validString.in('nothing', 'names', 'idempotent', 'transactional'),
    documentation: 'What the sink tells of a batch that it refuses: which records are at fault, how it writes, or nothing.',
  })

/** Refuses some records, and tells of it in one of the ways that sinks have. */
export class RejectingSinkConnector extends plainSinkConnector(definition, () => RejectingSinkTask) {}

class RejectingSinkTask implements SinkTask {
  #config = definition.parse({ file: '' })
  delivery?: 'idempotent' | 'transactional'

  start(properties: Properties): void {
    this.#config = definition.parse(properties)
    const { says } = this.#config
    if (says === 'idempotent' || says === 'transactional') this.delivery = says
  }

  put(records: readonly SinkRecord[]): void {
    const { file, reject, says } = this.#config
    const isRefused = ({ value }: SinkRecord) => String(value).includes(reject)
    const failures = records.flatMap((record, index) => (isRefused(record) ? [{ index, error: new DataError(`"${String(record.value)}" is refused`) }] : []))
    const taken = says === 'names' ? records.filter((record) => !isRefused(record)) : failures.length === 0 ? records : []
    if (taken.length > 0) appendFileSync(file, taken.map(({ value }) => `${String(value)}\n`).join(''))
    if (failures.length === 0) return
    if (says === 'names') throw new PartialPutError(`${failures.length} of ${records.length} records were refused`, failures)
    throw new DataError(`A batch of ${records.length} records was refused`)
  }

  stop(): void {}
}
