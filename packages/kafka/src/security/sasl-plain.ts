import type { SaslExchange } from './sasl-exchange.ts'

/** A name and its password. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** PLAIN (RFC 4616): one message, `[authorisation id] NUL name NUL password`; the broker takes the name for the authorisation id. */
export class PlainExchange implements SaslExchange {
  readonly #credentials: Credentials

  constructor(credentials: Credentials) {
    this.#credentials = credentials
  }

  async start(): Promise<Buffer> {
    const { username, password } = this.#credentials
    return Buffer.from(`\0${username}\0${password}`, 'utf8')
  }

  async next(): Promise<null> {
    return null
  }
}
