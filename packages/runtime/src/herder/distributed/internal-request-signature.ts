import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { SessionKey } from '../../storage/config-store.ts'
import { BadRequestRestError, RestError } from '../errors.ts'

/*
 * Requests between workers of one cluster are signed over the exact bytes of their body with a key that the leader writes to the config topic, so that only
 * who can read that topic can make them (KIP-507; `org.apache.kafka.connect.runtime.rest.InternalRequestSignature`).
 */

export const SIGNATURE_HEADER = 'X-Connect-Authorization'
export const SIGNATURE_ALGORITHM_HEADER = 'X-Connect-Request-Signature-Algorithm'

/** By Java's names, in small letters: JCA does not tell capitals apart. */
const hashes: ReadonlyMap<string, string> = new Map([
  ['hmacmd5', 'md5'],
  ['hmacsha1', 'sha1'],
  ['hmacsha224', 'sha224'],
  ['hmacsha256', 'sha256'],
  ['hmacsha384', 'sha384'],
  ['hmacsha512', 'sha512'],
  ['hmacsha512/224', 'sha512-224'],
  ['hmacsha512/256', 'sha512-256'],
  ['hmacsha3-224', 'sha3-224'],
  ['hmacsha3-256', 'sha3-256'],
  ['hmacsha3-384', 'sha3-384'],
  ['hmacsha3-512', 'sha3-512'],
])

/** Whether requests can be signed and checked with an algorithm. For the validation of `inter.worker.signature.algorithm`. */
export function isSignatureAlgorithm(name: string): boolean {
  return hashes.has(name.toLowerCase())
}

/**
 * The headers that sign a request.
 *
 * @param body as it will be sent; empty where there is none.
 * @param algorithm `inter.worker.signature.algorithm`.
 * @throws Error for an algorithm that is not known.
 */
export function signatureHeaders(body: Buffer, key: SessionKey, algorithm: string): Readonly<Record<string, string>> {
  return { [SIGNATURE_HEADER]: sign(body, key.key, algorithm).toString('base64'), [SIGNATURE_ALGORITHM_HEADER]: algorithm }
}

export interface SignatureCheck {
  readonly headers: IncomingHttpHeaders
  /** As it came; empty where there was none. */
  readonly body: Buffer
  /** Null while none was read from the config topic. */
  readonly key: SessionKey | null
  /** `inter.worker.verification.algorithms`. */
  readonly algorithms: readonly string[]
}

/** @throws RestError 400 without a usable signature, 503 without a key, 403 for a wrong signature. */
export function checkSignature({ headers, body, key, algorithms }: SignatureCheck): void {
  const algorithm = header(headers, SIGNATURE_ALGORITHM_HEADER)
  const encoded = header(headers, SIGNATURE_HEADER)
  if (algorithm === null || encoded === null) throw new BadRequestRestError('Internal request missing required signature')
  if (!isSignatureAlgorithm(algorithm)) throw new BadRequestRestError(`Algorithm ${algorithm} not available`)
  const signature = decodeBase64(encoded)
  if (!algorithms.some((known) => known.toLowerCase() === algorithm.toLowerCase()))
    throw new BadRequestRestError(
      `This worker does not support the '${algorithm}' key signing algorithm used by other workers. ` +
        `This worker is currently configured to use: ${listText(algorithms)}. ` +
        "Check that all workers' configuration files permit the same set of signature algorithms, and correct any misconfigured worker and restart it.",
    )
  if (key === null) throw new RestError(503, 'This worker is still starting up and has not been able to read a session key from the config topic yet')
  const expected = sign(body, key.key, algorithm)
  if (expected.length !== signature.length || !timingSafeEqual(expected, signature)) throw new RestError(403, 'Internal request contained invalid signature.')
}

function sign(body: Buffer, key: Buffer, algorithm: string): Buffer {
  const hash = hashes.get(algorithm.toLowerCase())
  if (hash === undefined) throw new Error(`Algorithm ${algorithm} not available`)
  return createHmac(hash, key).update(body).digest()
}

function header(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name.toLowerCase()]
  return (Array.isArray(value) ? value[0] : value) ?? null
}

/** Node skips what is no base64; Java refuses it. */
function decodeBase64(text: string): Buffer {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.replace(/=+$/, '').length % 4 === 1)
    throw new BadRequestRestError('The signature of the internal request is not valid base64')
  return Buffer.from(text, 'base64')
}

function listText(items: readonly string[]): string {
  return `[${items.join(', ')}]`
}
