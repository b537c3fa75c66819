import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { type SaslExchange, saslFailure } from './sasl-exchange.ts'

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** What Kafka demands at least. */
export const SCRAM_ITERATIONS = 4096
const SALT_BYTES = 24

/** What a server keeps of a password. */
interface ScramCredential {
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/*
 * SCRAM (RFC 5802), without channel binding:
 *
 *   client  n,[a=authzid],n=user,r=nonce[,extensions]
 *   server  r=nonce and ours,s=salt,i=iterations
 *   client  c=biws,r=nonce and ours,p=proof
 *   server  v=signature
 */
const FIRST = /^(n,(?:a=([^,]*))?,)(n=([^,]+),r=([^,]+)(?:,.*)?)$/
const FINAL = /^(c=([A-Za-z0-9+/=]+),r=([^,]+)(?:,.*)?),p=([A-Za-z0-9+/=]+)$/

/** Credentials of one mechanism, made of each password when its user first comes. */
export class ScramCredentials {
  readonly mechanism: ScramMechanism
  readonly #hash: string
  readonly #users: Readonly<Record<string, string>>
  readonly #made = new Map<string, ScramCredential>()

  constructor(mechanism: ScramMechanism, users: Readonly<Record<string, string>>) {
    this.mechanism = mechanism
    this.#hash = mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512'
    this.#users = users
  }

  get(user: string): ScramCredential | undefined {
    const password = Object.hasOwn(this.#users, user) ? this.#users[user]! : undefined
    if (password === undefined) return undefined
    let credential = this.#made.get(user)
    if (!credential) this.#made.set(user, (credential = this.#make(password)))
    return credential
  }

  hmac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest()
  }

  digest(bytes: Buffer): Buffer {
    return createHash(this.#hash).update(bytes).digest()
  }

  #make(password: string): ScramCredential {
    const salt = randomBytes(SALT_BYTES)
    const salted = pbkdf2Sync(password, salt, SCRAM_ITERATIONS, this.#hash === 'sha256' ? 32 : 64, this.#hash)
    return { salt, storedKey: this.digest(this.hmac(salted, 'Client Key')), serverKey: this.hmac(salted, 'Server Key') }
  }
}

interface FirstMessages {
  readonly header: string
  readonly client: string
  readonly server: string
  readonly nonce: string
}

/** The broker's side of one exchange. */
export class ScramExchange implements SaslExchange {
  readonly #credentials: ScramCredentials
  #credential: ScramCredential | undefined
  /** Without it the first message is awaited. */
  #firstMessages: FirstMessages | undefined

  constructor(credentials: ScramCredentials) {
    this.#credentials = credentials
  }

  respond(bytes: Buffer): { readonly bytes: Buffer; readonly isComplete: boolean } {
    const message = bytes.toString()
    return this.#firstMessages ? { bytes: this.#final(message, this.#firstMessages), isComplete: true } : { bytes: this.#first(message), isComplete: false }
  }

  #first(message: string): Buffer {
    const [, header, authorizationId, bare, escapedUser, clientNonce] = FIRST.exec(message) ?? []
    if (header === undefined || bare === undefined || escapedUser === undefined) throw this.#refused()
    const user = unescaped(escapedUser)
    if (authorizationId && unescaped(authorizationId) !== user) throw this.#refused()
    this.#credential = this.#credentials.get(user)
    if (!this.#credential) throw this.#refused()
    const nonce = `${clientNonce}${randomBytes(18).toString('base64url')}`
    const server = `r=${nonce},s=${this.#credential.salt.toString('base64')},i=${SCRAM_ITERATIONS}`
    this.#firstMessages = { header, client: bare, server, nonce }
    return Buffer.from(server)
  }

  #final(message: string, { header, client, server, nonce }: FirstMessages): Buffer {
    const [, withoutProof, channelBinding, finalNonce, proofText] = FINAL.exec(message) ?? []
    const credential = this.#credential
    if (!credential || proofText === undefined || finalNonce !== nonce || channelBinding !== Buffer.from(header).toString('base64')) throw this.#refused()
    const authMessage = `${client},${server},${withoutProof}`
    const signature = this.#credentials.hmac(credential.storedKey, authMessage)
    const proof = Buffer.from(proofText, 'base64')
    if (proof.length !== signature.length) throw this.#refused()
    const clientKey = Buffer.from(proof.map((byte, index) => byte ^ signature[index]!))
    if (!timingSafeEqual(this.#credentials.digest(clientKey), credential.storedKey)) throw this.#refused()
    return Buffer.from(`v=${this.#credentials.hmac(credential.serverKey, authMessage).toString('base64')}`)
  }

  /** The same for every reason, so that nobody learns which users there are. */
  #refused(): Error {
    return saslFailure(`Authentication failed during authentication due to invalid credentials with SASL mechanism ${this.#credentials.mechanism}`)
  }
}

function unescaped(name: string): string {
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=')
}
