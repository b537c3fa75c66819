import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { SaslExchange } from './sasl-exchange.ts'
import type { Credentials } from './sasl-plain.ts'
import { saslAuthenticationError } from './security-errors.ts'

/*
 * SCRAM without channel binding (RFC 5802, RFC 7677):
 *
 *   client first: n,,n=<name>,r=<client nonce>[,tokenauth=true]
 *   server first: r=<client nonce><server nonce>,s=<salt>,i=<iterations>
 *   client final: c=biws,r=<both nonces>,p=<proof>
 *   server final: v=<signature> | e=<error>
 *
 * Like Java, it prepares neither names nor passwords with SASLprep: both are used in UTF-8 as they are.
 */

/** The mechanisms, by their digests. */
export const scramDigests = { 'SCRAM-SHA-256': 'sha256', 'SCRAM-SHA-512': 'sha512' } as const

export type ScramMechanism = keyof typeof scramDigests

const ITERATIONS_MIN = 4096
/** Kafka's brokers allow 16384; a broker that is not one must not keep this process busy. */
const ITERATIONS_MAX = 1_000_000

const BASE64 = '(?:[a-zA-Z0-9/+]{4})*(?:[a-zA-Z0-9/+]{3}=|[a-zA-Z0-9/+]{2}==)?'
const EXTENSIONS = '(?:,[A-Za-z]+=[\\x01-\\x2b\\x2d-\\x7f]+)*'
const SERVER_FIRST = new RegExp(`^(?:m=[\\x01-\\x2b\\x2d-\\x7f]+,)?r=([\\x21-\\x2b\\x2d-\\x7e]+),s=(${BASE64}),i=([0-9]+)${EXTENSIONS}$`)
const SERVER_FINAL = new RegExp(`^(?:e=([\\x01-\\x2b\\x2d-\\x3c\\x3e-\\x7f]+)|v=(${BASE64})${EXTENSIONS})$`)

const derive = promisify(pbkdf2)

export interface ScramOptions {
  readonly mechanism: ScramMechanism
  readonly credentials: Credentials
  /** Whether the credentials are a delegation token (KIP-48). */
  readonly isToken: boolean
  /** For tests; default: 130 random bits. */
  readonly nonce?: string
}

/** SCRAM-SHA-256 and SCRAM-SHA-512. The broker has to prove that it knows the credentials too. */
export class ScramExchange implements SaslExchange {
  readonly #options: ScramOptions
  readonly #digest: 'sha256' | 'sha512'
  readonly #nonce: string
  readonly #clientFirstBare: string
  #serverSignature: Buffer | null = null

  constructor(options: ScramOptions) {
    const { mechanism, credentials, isToken, nonce = randomBytes(18).toString('base64url') } = options
    this.#options = options
    this.#digest = scramDigests[mechanism]
    this.#nonce = nonce
    const name = credentials.username.replaceAll('=', '=3D').replaceAll(',', '=2C')
    this.#clientFirstBare = `n=${name},r=${nonce}${isToken ? ',tokenauth=true' : ''}`
  }

  async start(): Promise<Buffer> {
    return Buffer.from(`n,,${this.#clientFirstBare}`, 'utf8')
  }

  async next(challenge: Buffer): Promise<Buffer | null> {
    const text = challenge.toString('utf8')
    if (this.#serverSignature) {
      this.#checkServer(text, this.#serverSignature)
      return null
    }
    return Buffer.from(await this.#clientFinal(text), 'utf8')
  }

  async #clientFinal(serverFirst: string): Promise<string> {
    const { nonce, salt, iterations } = this.#parseServerFirst(serverFirst)
    const { password } = this.#options.credentials
    const length = this.#digest === 'sha256' ? 32 : 64
    const saltedPassword = await derive(password, salt, iterations, length, this.#digest)
    const clientKey = this.#hmac(saltedPassword, 'Client Key')
    const withoutProof = `c=biws,r=${nonce}`
    const authMessage = `${this.#clientFirstBare},${serverFirst},${withoutProof}`
    const signature = this.#hmac(createHash(this.#digest).update(clientKey).digest(), authMessage)
    const proof = clientKey.map((octet, i) => octet ^ signature[i]!)
    this.#serverSignature = this.#hmac(this.#hmac(saltedPassword, 'Server Key'), authMessage)
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`
  }

  #parseServerFirst(text: string): { nonce: string; salt: Buffer; iterations: number } {
    const [, nonce, salt, count] = SERVER_FIRST.exec(text) ?? []
    if (nonce === undefined || salt === undefined) throw saslAuthenticationError('Invalid SCRAM server first message format')
    if (!nonce.startsWith(this.#nonce)) throw saslAuthenticationError('Invalid server nonce: does not start with client nonce')
    const iterations = Number(count)
    if (iterations < ITERATIONS_MIN) {
      throw saslAuthenticationError(`Requested iterations ${iterations} is less than the minimum ${ITERATIONS_MIN} for ${this.#options.mechanism}`)
    }
    if (iterations > ITERATIONS_MAX) {
      throw saslAuthenticationError(`Requested iterations ${iterations} is more than the maximum ${ITERATIONS_MAX} for ${this.#options.mechanism}`)
    }
    return { nonce, salt: Buffer.from(salt, 'base64'), iterations }
  }

  #checkServer(text: string, expected: Buffer): void {
    const [, error, signature] = SERVER_FINAL.exec(text) ?? []
    if (error !== undefined) throw saslAuthenticationError(`Sasl authentication using ${this.#options.mechanism} failed with error: ${error}`)
    if (signature === undefined) throw saslAuthenticationError('Invalid SCRAM server final message format')
    const actual = Buffer.from(signature, 'base64')
    if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) {
      throw saslAuthenticationError('Invalid server signature in server final message')
    }
  }

  #hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#digest, key).update(text, 'utf8').digest()
  }
}
