import { createDecipheriv, hash, pbkdf2Sync } from 'node:crypto'
import { type DerValue, DerTag, derChildren, derContent, derNumber, derOid } from './asn1.ts'
import { KeyStoreError } from './key-store-entry.ts'
import { decryptRc2Cbc } from './rc2.ts'

/*
 * Encryption under a password, as PKCS #12 stores use it: PBES2 of PKCS #5 (RFC 8018), and the older schemes with SHA-1 of RFC 7292, appendix C.
 *
 *   AlgorithmIdentifier = SEQUENCE { OID, parameters }
 *   PBES2 parameters    = SEQUENCE { AlgorithmIdentifier of PBKDF2, AlgorithmIdentifier of the cipher with its IV }
 *   PBKDF2 parameters   = SEQUENCE { salt OCTET STRING, iterations INTEGER, [key length INTEGER], [AlgorithmIdentifier of the HMAC] }
 *   older parameters    = SEQUENCE { salt OCTET STRING, iterations INTEGER }
 */

/** More than any tool writes; a damaged number must not keep the process busy for minutes. */
const ITERATIONS_MAX = 1_000_000

/** Digests by their object identifiers, and by those of the HMACs over them. */
export const digestsByOid: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.4', 'sha224'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])

const hmacsByOid: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  ['1.2.840.113549.2.8', 'sha224'],
  ['1.2.840.113549.2.9', 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
])

interface Cipher {
  readonly keyBytes: number
  readonly ivBytes: number
  readonly decrypt: (key: Buffer, iv: Buffer, data: Buffer) => Buffer
}

const PBES2 = '1.2.840.113549.1.5.13'
const PBKDF2 = '1.2.840.113549.1.5.12'

const pbes2Ciphers: ReadonlyMap<string, Cipher> = new Map([
  ['2.16.840.1.101.3.4.1.2', nodeCipher('aes-128-cbc', 16, 16)],
  ['2.16.840.1.101.3.4.1.22', nodeCipher('aes-192-cbc', 24, 16)],
  ['2.16.840.1.101.3.4.1.42', nodeCipher('aes-256-cbc', 32, 16)],
  ['1.2.840.113549.3.7', nodeCipher('des-ede3-cbc', 24, 8)],
])

const olderCiphers: ReadonlyMap<string, Cipher> = new Map([
  ['1.2.840.113549.1.12.1.3', nodeCipher('des-ede3-cbc', 24, 8)],
  ['1.2.840.113549.1.12.1.5', rc2Cipher(16)],
  ['1.2.840.113549.1.12.1.6', rc2Cipher(5)],
])

/**
 * Decrypts what was encrypted under a password.
 *
 * @throws KeyStoreError `password` where decryption fails, as it does with a wrong password; `unsupported` for other algorithms.
 */
export function decryptWithPassword(algorithm: DerValue | undefined, data: Buffer, password: string): Buffer {
  const [id, parameters] = derChildren(algorithm, DerTag.SEQUENCE)
  const oid = derOid(id)
  const { cipher, key, iv } = oid === PBES2 ? pbes2(parameters, password) : older(oid, parameters, password)
  try {
    return cipher.decrypt(key, iv, data)
  } catch (cause) {
    throw new KeyStoreError('password', 'the password is wrong', cause)
  }
}

interface KeyedCipher {
  readonly cipher: Cipher
  readonly key: Buffer
  readonly iv: Buffer
}

function pbes2(parameters: DerValue | undefined, password: string): KeyedCipher {
  const [derivation, encryption] = derChildren(parameters, DerTag.SEQUENCE)
  const [derivationId, derivationParameters] = derChildren(derivation, DerTag.SEQUENCE)
  if (derOid(derivationId) !== PBKDF2) throw unsupported('key derivation', derOid(derivationId))
  const [cipherId, iv] = derChildren(encryption, DerTag.SEQUENCE)
  const cipher = pbes2Ciphers.get(derOid(cipherId))
  if (!cipher) throw unsupported('cipher', derOid(cipherId))

  const [salt, iterations, ...options] = derChildren(derivationParameters, DerTag.SEQUENCE)
  const hmac = options.find(({ tag }) => tag === DerTag.SEQUENCE)
  const hmacId = hmac && derOid(derChildren(hmac, DerTag.SEQUENCE)[0])
  const digest = hmacId === undefined ? 'sha1' : hmacsByOid.get(hmacId)
  if (!digest) throw unsupported('HMAC', hmacId ?? '')
  const key = pbkdf2Sync(password, derContent(salt, DerTag.OCTET_STRING), iterationCount(iterations), cipher.keyBytes, digest)
  return { cipher, key, iv: derContent(iv, DerTag.OCTET_STRING) }
}

function older(oid: string, parameters: DerValue | undefined, password: string): KeyedCipher {
  const cipher = olderCiphers.get(oid)
  if (!cipher) throw unsupported('encryption', oid)
  const [salt, iterations] = derChildren(parameters, DerTag.SEQUENCE)
  const from = { password, salt: derContent(salt, DerTag.OCTET_STRING), iterations: iterationCount(iterations), digest: 'sha1' }
  return {
    cipher,
    key: derivePkcs12({ ...from, purpose: 'key', length: cipher.keyBytes }),
    iv: derivePkcs12({ ...from, purpose: 'iv', length: cipher.ivBytes }),
  }
}

/** The number of rounds of a key derivation. @throws KeyStoreError if it is zero or beyond any reason. */
export function iterationCount(value: DerValue | undefined): number {
  const iterations = derNumber(value)
  if (iterations < 1 || iterations > ITERATIONS_MAX)
    throw new KeyStoreError('unsupported', `it asks for ${iterations} iterations; between 1 and ${ITERATIONS_MAX} are supported`)
  return iterations
}

const PURPOSES = { key: 1, iv: 2, mac: 3 } as const

/**
 * The key derivation of PKCS #12 (RFC 7292, appendix B.2).
 *
 * @param from `digest`: name of SHA-1 or a SHA-2; `length`: how many bytes are wanted.
 */
export function derivePkcs12(from: {
  readonly password: string
  readonly salt: Buffer
  readonly iterations: number
  readonly digest: string
  readonly purpose: keyof typeof PURPOSES
  readonly length: number
}): Buffer {
  const { digest, iterations, length } = from
  const blockBytes = digest === 'sha384' || digest === 'sha512' ? 128 : 64
  const diversifier = Buffer.alloc(blockBytes, PURPOSES[from.purpose])
  // The password as a BMPString, with its two zero octets at the end.
  const secret = Buffer.from(`${from.password}\0`, 'utf16le').swap16()
  const state = Buffer.concat([stretched(from.salt, blockBytes), stretched(secret, blockBytes)])
  const output: Buffer[] = []
  for (let bytes = 0; bytes < length; ) {
    let round = hash(digest, Buffer.concat([diversifier, state]), 'buffer')
    for (let i = 1; i < iterations; i++) round = hash(digest, round, 'buffer')
    output.push(round)
    bytes += round.length
    addToBlocks(state, stretched(round, blockBytes).subarray(0, blockBytes))
  }
  return Buffer.concat(output).subarray(0, length)
}

/** Repeated until it fills whole blocks. */
function stretched(bytes: Buffer, blockBytes: number): Buffer {
  return bytes.length === 0 ? bytes : Buffer.alloc(Math.ceil(bytes.length / blockBytes) * blockBytes, bytes)
}

/** Adds a number of one block, and one, to each block, as big-endian numbers without a carry out of the block. */
function addToBlocks(state: Buffer, addend: Buffer): void {
  for (let block = 0; block < state.length; block += addend.length) {
    let carry = 1
    for (let i = addend.length - 1; i >= 0; i--) {
      const sum = state[block + i]! + addend[i]! + carry
      state[block + i] = sum & 0xff
      carry = sum >> 8
    }
  }
}

function nodeCipher(name: string, keyBytes: number, ivBytes: number): Cipher {
  const decrypt = (key: Buffer, iv: Buffer, data: Buffer) => {
    const decipher = createDecipheriv(name, key, iv)
    return Buffer.concat([decipher.update(data), decipher.final()])
  }
  return { keyBytes, ivBytes, decrypt }
}

function rc2Cipher(keyBytes: number): Cipher {
  return { keyBytes, ivBytes: 8, decrypt: (key, iv, data) => decryptRc2Cbc(key, keyBytes * 8, iv, data) }
}

function unsupported(what: string, oid: string): KeyStoreError {
  return new KeyStoreError('unsupported', `its ${what} (${oid}) is not supported`)
}
