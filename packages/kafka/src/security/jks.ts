import { createHash, timingSafeEqual } from 'node:crypto'
import { DerTag, derChildren, derContent, derOid, readDer } from './asn1.ts'
import { type KeyStoreEntry, KeyStoreError } from './key-store-entry.ts'

/*
 * The JDK's own key store, all numbers big-endian, names in modified UTF-8 behind their length (2 bytes):
 *
 *   store       = 0xFEEDFEED version(4) count(4) entry* digest(20)
 *   entry       = 1(4) alias(utf) created(8) length(4) key chain-count(4) certificate*
 *               | 2(4) alias(utf) created(8) certificate
 *   certificate = [type(utf), from version 2 on] length(4) bytes
 *   key         = EncryptedPrivateKeyInfo, see `decryptKey`
 *   digest      = SHA-1 of password (UTF-16BE), "Mighty Aphrodite" and all before it
 */

export const JKS_MAGIC = 0xfeedfeed
export const JCEKS_MAGIC = 0xcececece

const DIGEST_BYTES = 20
const KEY_ENTRY = 1
const CERTIFICATE_ENTRY = 2
/** Sun's proprietary protection of keys. */
const SUN_KEY_PROTECTOR = '1.3.6.1.4.1.42.2.17.1.1'

/** Reads a JKS store of version 1 or 2. @param password null: the digest is not checked. @throws KeyStoreError, or any other error for damaged bytes. */
export function readJks(bytes: Buffer, password: string | null): KeyStoreEntry[] {
  const end = bytes.length - DIGEST_BYTES
  if (end < 12) throw new KeyStoreError('format', 'it is cut off')
  if (password !== null) checkDigest(bytes.subarray(0, end), bytes.subarray(end), password)
  const input = new JksInput(bytes.subarray(4, end))
  const version = input.int()
  if (version !== 1 && version !== 2) throw new KeyStoreError('unsupported', `it is a JKS store of version ${version}, which is not known`)
  const count = input.int()
  const entries: KeyStoreEntry[] = []
  for (let i = 0; i < count; i++) entries.push(readEntry(input, version))
  return entries
}

function readEntry(input: JksInput, version: number): KeyStoreEntry {
  const tag = input.int()
  const alias = input.text()
  input.take(8)
  if (tag === CERTIFICATE_ENTRY) return { alias, certificates: [certificate(input, version)], privateKey: null }
  if (tag !== KEY_ENTRY) throw new KeyStoreError('format', `it is damaged: entry "${alias}" is of the unknown type ${tag}`)
  const protectedKey = input.take(input.int())
  const certificates = Array.from({ length: input.countOf(4) }, () => certificate(input, version))
  if (certificates.length === 0) throw new KeyStoreError('format', `the key "${alias}" has no certificate`)
  return { alias, certificates, privateKey: (password) => decryptKey(protectedKey, password) }
}

function certificate(input: JksInput, version: number): Buffer {
  if (version === 2) {
    const type = input.text()
    if (type !== 'X.509') throw new KeyStoreError('unsupported', `it holds a certificate of type "${type}"`)
  }
  return input.take(input.int())
}

function checkDigest(content: Buffer, digest: Buffer, password: string): void {
  const expected = createHash('sha1').update(utf16(password)).update('Mighty Aphrodite').update(content).digest()
  if (!timingSafeEqual(expected, digest)) throw new KeyStoreError('password', 'the password is wrong, or the file was tampered with')
}

/**
 * `salt(20) ciphertext digest(20)`: the key is masked with SHA-1(password, salt), SHA-1(password, first mask) and so on;
 * the digest is SHA-1(password, key).
 */
function decryptKey(encrypted: Buffer, password: string): Buffer {
  const [algorithm, data] = derChildren(readDer(encrypted), DerTag.SEQUENCE)
  const oid = derOid(derChildren(algorithm, DerTag.SEQUENCE)[0])
  if (oid !== SUN_KEY_PROTECTOR) throw new KeyStoreError('unsupported', `its key is encrypted by an unknown method (${oid})`)
  const content = derContent(data, DerTag.OCTET_STRING)
  if (content.length < 2 * DIGEST_BYTES) throw new KeyStoreError('format', 'its key is cut off')
  const secret = utf16(password)
  const key = Buffer.from(content.subarray(DIGEST_BYTES, content.length - DIGEST_BYTES))
  let mask = content.subarray(0, DIGEST_BYTES)
  for (let start = 0; start < key.length; start += DIGEST_BYTES) {
    mask = createHash('sha1').update(secret).update(mask).digest()
    const end = Math.min(start + DIGEST_BYTES, key.length)
    for (let i = start; i < end; i++) key[i]! ^= mask[i - start]!
  }
  const expected = createHash('sha1').update(secret).update(key).digest()
  if (!timingSafeEqual(expected, content.subarray(-DIGEST_BYTES))) throw new KeyStoreError('password', 'the password of its key is wrong')
  return key
}

function utf16(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}

class JksInput {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  take(length: number): Buffer {
    if (length > this.#bytes.length - this.#position) throw new KeyStoreError('format', 'it is cut off')
    const start = this.#position
    this.#position += length
    return this.#bytes.subarray(start, this.#position)
  }

  int(): number {
    return this.take(4).readUInt32BE(0)
  }

  /** A number of items that take at least so many bytes each. */
  countOf(itemBytesMin: number): number {
    const count = this.int()
    if (count * itemBytesMin > this.#bytes.length - this.#position) throw new KeyStoreError('format', 'it is cut off')
    return count
  }

  /** Modified UTF-8 differs only in characters that no alias has; those come out as replacement characters. */
  text(): string {
    return this.take(this.take(2).readUInt16BE(0)).toString('utf8')
  }
}
