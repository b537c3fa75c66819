/**
 * Why a broker cannot start or go on. Recognise it by `code`.
 *
 * - `BROKER_LOCKED`: another living broker uses the data folder. Stop it, or choose another folder.
 * - `BROKER_DATA_INVALID`: the data folder cannot be made, or a file of it cannot be read. It is never overwritten; restore it or choose another folder.
 * - `BROKER_CONFIG_INVALID`: a broker property has a value that it cannot have.
 * - `BROKER_LISTEN_FAILED`: the address cannot be bound, mostly because the port is taken.
 * - `BROKER_THREAD_FAILED`: the broker's thread ended without being asked to.
 */
export type BrokerErrorCode = 'BROKER_LOCKED' | 'BROKER_DATA_INVALID' | 'BROKER_CONFIG_INVALID' | 'BROKER_LISTEN_FAILED' | 'BROKER_THREAD_FAILED'

export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  readonly code: BrokerErrorCode

  constructor(code: BrokerErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
