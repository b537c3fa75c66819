/** Why a key store could not be read. The message is a part of a sentence and holds no secret. */
export class KeyStoreError extends Error {
  override readonly name = 'KeyStoreError'
  /** `password`: missing or wrong. `format`: damaged, or no key store at all. `unsupported`: sound, but of a kind that cannot be read. */
  readonly reason: 'password' | 'format' | 'unsupported'

  constructor(reason: 'password' | 'format' | 'unsupported', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.reason = reason
  }
}

/** What a key store holds under one alias. */
export interface KeyStoreEntry {
  readonly alias: string
  /** DER. One that is trusted, or the chain of a private key, its own certificate first; never empty. */
  readonly certificates: readonly Buffer[]
  /**
   * Decrypts the private key; null for a trusted certificate.
   *
   * @returns PKCS #8 in DER. @throws KeyStoreError
   */
  readonly privateKey: ((password: string) => Buffer) | null
}
