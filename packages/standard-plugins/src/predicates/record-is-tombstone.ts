import { ConfigDef, type ConnectRecord, type Predicate } from '@millrace/api'

const config = new ConfigDef()

/** Whether a record has no value (`org.apache.kafka.connect.transforms.predicates.RecordIsTombstone`). */
export class RecordIsTombstone<R extends ConnectRecord> implements Predicate<R> {
  config(): ConfigDef {
    return config
  }

  configure(): void {}

  test({ value }: R): boolean {
    return value === null || value === undefined
  }
}
