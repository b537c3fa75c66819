import { ConnectError } from '@millrace/api'

/** Offsets cannot be read or stored: the file or topic is at fault, not the connector. Mend that and start again; nothing was overwritten. */
export class OffsetStoreError extends ConnectError {
  override get code(): string {
    return 'OFFSET_STORE'
  }
}
