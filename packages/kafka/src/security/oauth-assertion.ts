import { createPrivateKey, createSign, type KeyObject, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { configurationError } from '../errors.ts'

/** How a JWT that speaks for the client comes about (KIP-1139): from a file, or signed here. */
export type AssertionConfig =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'signed'
      readonly algorithm: 'RS256' | 'ES256'
      readonly privateKeyFile: string
      readonly passphrase: string | null
      /** JSON with the objects `header` and `payload`, which go over `claims`; null for none. */
      readonly templateFile: string | null
      /** `aud`, `iss` and `sub` as far as they are set. */
      readonly claims: Readonly<Record<string, string>>
      readonly expiresSeconds: number
      readonly notBeforeSeconds: number
      readonly includesId: boolean
    }

/**
 * Makes an assertion. Files are read each time: they may have been replaced.
 *
 * @throws KafkaError `INVALID_CONFIGURATION` that names the file, and no secret.
 */
export async function assertion(config: AssertionConfig, nowMs: number): Promise<string> {
  if (config.kind === 'file') return (await read(config.path, 'sasl.oauthbearer.assertion.file')).trim()
  const key = await privateKey(config.privateKeyFile, config.passphrase)
  const template = config.templateFile === null ? { header: {}, payload: {} } : await readTemplate(config.templateFile)
  const seconds = Math.floor(nowMs / 1000)
  const payload = {
    ...config.claims,
    ...template.payload,
    iat: seconds,
    exp: seconds + config.expiresSeconds,
    nbf: seconds - config.notBeforeSeconds,
    ...(config.includesId ? { jti: randomUUID() } : {}),
  }
  const content = `${encoded({ ...template.header, alg: config.algorithm, typ: 'JWT' })}.${encoded(payload)}`
  return `${content}.${signature(content, key, config.algorithm)}`
}

function signature(content: string, key: KeyObject, algorithm: 'RS256' | 'ES256'): string {
  const type = algorithm === 'RS256' ? 'rsa' : 'ec'
  if (key.asymmetricKeyType !== type) {
    throw configurationError(
      `The private key of "sasl.oauthbearer.assertion.private.key.file" is of type ${key.asymmetricKeyType}, which does not fit ${algorithm}.`,
    )
  }
  return createSign('sha256').update(content).sign({ key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}

async function privateKey(path: string, passphrase: string | null): Promise<KeyObject> {
  const text = await read(path, 'sasl.oauthbearer.assertion.private.key.file')
  try {
    return createPrivateKey(passphrase === null ? text : { key: text, passphrase })
  } catch (cause) {
    const error = configurationError(
      `The file "${path}" of "sasl.oauthbearer.assertion.private.key.file" holds no private key that can be read. Check also "sasl.oauthbearer.assertion.private.key.passphrase".`,
    )
    error.cause = cause
    throw error
  }
}

interface Template {
  readonly header: object
  readonly payload: object
}

async function readTemplate(path: string): Promise<Template> {
  const text = await read(path, 'sasl.oauthbearer.assertion.template.file')
  try {
    const { header = {}, payload = {} } = JSON.parse(text) as Partial<Template>
    if (typeof header === 'object' && typeof payload === 'object') return { header, payload }
  } catch {
    // The sentence below says what matters.
  }
  throw configurationError(`The file "${path}" of "sasl.oauthbearer.assertion.template.file" is not JSON with the objects "header" and "payload".`)
}

async function read(path: string, name: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const error = configurationError(`The file "${path}" of "${name}" cannot be read.`)
    error.cause = cause
    throw error
  }
}

function encoded(json: unknown): string {
  return Buffer.from(JSON.stringify(json), 'utf8').toString('base64url')
}
