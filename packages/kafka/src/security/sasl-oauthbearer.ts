import { configurationError } from '../errors.ts'
import type { SaslExchange } from './sasl-exchange.ts'

const SEPARATOR = '\x01'

/**
 * OAUTHBEARER (RFC 7628): `n,, ^A auth=Bearer <token> (^A <name>=<value>)* ^A ^A`.
 * A broker that refuses the token first sends a reason in JSON, which is acknowledged with ^A; then comes its error.
 */
export class OauthBearerExchange implements SaslExchange {
  readonly #token: string
  readonly #extensions: ReadonlyMap<string, string>

  /** @param extensions as `checkedExtensions` gave them (KIP-342). */
  constructor(token: string, extensions: ReadonlyMap<string, string>) {
    this.#token = token
    this.#extensions = extensions
  }

  async start(): Promise<Buffer> {
    const pairs = Array.from(this.#extensions, ([name, value]) => `${SEPARATOR}${name}=${value}`).join('')
    return Buffer.from(`n,,${SEPARATOR}auth=Bearer ${this.#token}${pairs}${SEPARATOR}${SEPARATOR}`, 'utf8')
  }

  async next(challenge: Buffer): Promise<Buffer | null> {
    return challenge.length === 0 ? null : Buffer.from(SEPARATOR)
  }
}

/** The extensions among the options of a login module. @param prefix of their names. @throws KafkaError `INVALID_CONFIGURATION` as in Java. */
export function checkedExtensions(options: ReadonlyMap<string, string>, prefix: string): Map<string, string> {
  const extensions = new Map<string, string>()
  for (const [option, value] of options) {
    if (!option.startsWith(prefix)) continue
    const name = option.slice(prefix.length)
    if (name === 'auth' || !/^[A-Za-z]+$/.test(name)) throw configurationError(`Extension name ${name} is invalid`)
    if (!/^[\x21-\x7e \t\r\n]+$/.test(value)) throw configurationError(`The value of extension ${name} is invalid`)
    extensions.set(name, value)
  }
  return extensions
}
