import { ConfigDef, type ConnectRecord, type Transformation } from '@millrace/api'

/** Drops every record that it sees; to be used with a predicate (`org.apache.kafka.connect.transforms.Filter`). */
export class Filter<R extends ConnectRecord> implements Transformation<R> {
  config(): ConfigDef {
    return config
  }

  configure(): void {}

  apply(): null {
    return null
  }
}

const config = new ConfigDef()
