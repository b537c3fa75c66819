import { ConfigDef, type ConnectRecord, nonEmptyString, type Predicate, type Properties } from '@millrace/api'

const config = new ConfigDef().define('name', {
  type: 'STRING',
  importance: 'MEDIUM',
  documentation: 'Name of the header.',
  validator: nonEmptyString,
})

/** Whether a record has a header of some name (`org.apache.kafka.connect.transforms.predicates.HasHeaderKey`). */
export class HasHeaderKey<R extends ConnectRecord> implements Predicate<R> {
  #name = ''

  config(): ConfigDef {
    return config
  }

  configure(properties: Properties): void {
    this.#name = config.parse(properties).name
  }

  test({ headers }: R): boolean {
    return headers !== null && headers.lastWithName(this.#name) !== null
  }
}
