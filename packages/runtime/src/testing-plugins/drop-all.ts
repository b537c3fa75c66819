import { ConfigDef, type ConnectRecord, type Transformation } from '@millrace/api'

/** Filters every record. */
export class DropAll implements Transformation {
  config(): ConfigDef {
    return new ConfigDef()
  }
  configure(): void {}
  apply(_record: ConnectRecord): null {
    return null
  }
}
