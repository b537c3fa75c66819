import type { ConfigDef, ConnectRecord, MaybePromise, Properties, Transformation } from '@millrace/api'
import { Fault, faultConfig } from './fault.ts'

/** Hands every record on. */
export class FaultyTransformation implements Transformation {
  #fault = new Fault({})

  config(): ConfigDef {
    return faultConfig()
  }
  configure(properties: Properties): void {
    this.#fault = new Fault(properties)
  }
  apply(record: ConnectRecord): MaybePromise<ConnectRecord> {
    return this.#fault.at('transform', [record.value])?.then(() => record) ?? record
  }
}
