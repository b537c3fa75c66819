import { createHash, timingSafeEqual } from 'node:crypto'
import { type SaslExchange, saslFailure } from './sasl-exchange.ts'

/**
 * The broker's side of PLAIN (RFC 4616): `[authorization id] NUL user NUL password`, answered with nothing. Errors are those of Kafka.
 */
export class PlainExchange implements SaslExchange {
  readonly #users: Readonly<Record<string, string>>

  constructor(users: Readonly<Record<string, string>>) {
    this.#users = users
  }

  respond(bytes: Buffer): { readonly bytes: Buffer; readonly isComplete: boolean } {
    const tokens = bytes.toString().split('\0')
    if (tokens.length !== 3) throw saslFailure(`Invalid SASL/PLAIN response: expected 3 tokens, got ${tokens.length}`)
    const [authorizationId, user, password] = tokens as [string, string, string]
    if (user === '') throw saslFailure('Authentication failed: username not specified')
    if (password === '') throw saslFailure('Authentication failed: password not specified')
    const expected = Object.hasOwn(this.#users, user) ? this.#users[user]! : undefined
    if (expected === undefined || !timingSafeEqual(digest(password), digest(expected))) throw saslFailure('Authentication failed: Invalid username or password')
    if (authorizationId !== '' && authorizationId !== user) {
      throw saslFailure('Authentication failed: Client requested an authorization id that is different from username')
    }
    return { bytes: Buffer.alloc(0), isComplete: true }
  }
}

/** Of equal length, whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
