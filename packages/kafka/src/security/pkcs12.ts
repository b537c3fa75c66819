import { createHmac, timingSafeEqual, X509Certificate } from 'node:crypto'
import { type DerValue, DerTag, derChildren, derContent, derNumber, derOid, readDer } from './asn1.ts'
import { type KeyStoreEntry, KeyStoreError } from './key-store-entry.ts'
import { decryptWithPassword, derivePkcs12, digestsByOid, iterationCount } from './password-encryption.ts'

/*
 * PKCS #12 (RFC 7292) with a password, as keytool and OpenSSL write it:
 *
 *   PFX          = SEQUENCE { 3, ContentInfo of all, MacData }
 *   ContentInfo  = SEQUENCE { OID, [0] OCTET STRING with a SEQUENCE OF ContentInfo, or of SafeBag, or EncryptedData }
 *   EncryptedData= SEQUENCE { 0, SEQUENCE { OID, AlgorithmIdentifier, [0] IMPLICIT OCTET STRING } }
 *   SafeBag      = SEQUENCE { OID, [0] value, SET OF SEQUENCE { OID, SET OF value } }
 *   MacData      = SEQUENCE { SEQUENCE { AlgorithmIdentifier, OCTET STRING }, salt, [iterations, default 1] }
 */

const DATA = '1.2.840.113549.1.7.1'
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6'
const KEY_BAG = '1.2.840.113549.1.12.10.1.1'
const SHROUDED_KEY_BAG = '1.2.840.113549.1.12.10.1.2'
const CERTIFICATE_BAG = '1.2.840.113549.1.12.10.1.3'
const X509_CERTIFICATE = '1.2.840.113549.1.9.22.1'
const FRIENDLY_NAME = '1.2.840.113549.1.9.20'
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21'
/** Marks a certificate as trusted; Java writes it and trusts no other. */
const TRUSTED_KEY_USAGE = '2.16.840.1.113894.746875.1.1'
const PBMAC1 = '1.2.840.113549.1.5.14'

const CERTIFICATES_MAX = 10_000
const CHAIN_MAX = 20

/**
 * Reads a PKCS #12 store. As in Java, a certificate that belongs to no key is an entry only if it is marked as trusted.
 *
 * @param password null: the MAC is not checked, and what is encrypted is left out.
 * @throws KeyStoreError, or any other error for damaged bytes.
 */
export function readPkcs12(bytes: Buffer, password: string | null): KeyStoreEntry[] {
  const [version, authenticated, mac] = derChildren(readDer(bytes), DerTag.SEQUENCE)
  if (derNumber(version) !== 3) throw new KeyStoreError('unsupported', `it is a PKCS12 store of version ${derNumber(version)}, which is not known`)
  const content = plainContent(authenticated)
  if (mac && password !== null) checkMac(mac, content, password)
  const bags = derChildren(readDer(content), DerTag.SEQUENCE).flatMap((info) => bagsOf(info, password))
  return entries(bags)
}

interface Bag {
  readonly id: string
  readonly value: DerValue | undefined
  readonly attributes: ReadonlyMap<string, DerValue | undefined>
}

function bagsOf(info: DerValue, password: string | null): Bag[] {
  const [id] = derChildren(info, DerTag.SEQUENCE)
  const oid = derOid(id)
  if (oid === DATA) return bags(plainContent(info))
  if (oid !== ENCRYPTED_DATA) throw new KeyStoreError('unsupported', `it is protected by a key pair instead of a password (${oid})`)
  if (password === null) return []
  const [, wrapped] = derChildren(info, DerTag.SEQUENCE)
  const [, encrypted] = derChildren(derChildren(wrapped, DerTag.CONTEXT_0)[0], DerTag.SEQUENCE)
  const [, algorithm, data] = derChildren(encrypted, DerTag.SEQUENCE)
  return bags(decryptWithPassword(algorithm, derContent(data, DerTag.CONTEXT_0_PRIMITIVE), password))
}

function plainContent(info: DerValue | undefined): Buffer {
  const [id, wrapped] = derChildren(info, DerTag.SEQUENCE)
  if (derOid(id) !== DATA) throw new KeyStoreError('unsupported', `it is signed by a key pair instead of a password (${derOid(id)})`)
  return derContent(derChildren(wrapped, DerTag.CONTEXT_0)[0], DerTag.OCTET_STRING)
}

function bags(content: Buffer): Bag[] {
  return derChildren(readDer(content), DerTag.SEQUENCE).map((bag) => {
    const [id, value, attributes] = derChildren(bag, DerTag.SEQUENCE)
    const pairs = attributes ? derChildren(attributes, DerTag.SET).map(attribute) : []
    return { id: derOid(id), value: derChildren(value, DerTag.CONTEXT_0)[0], attributes: new Map(pairs) }
  })
}

function attribute(value: DerValue): [string, DerValue | undefined] {
  const [id, values] = derChildren(value, DerTag.SEQUENCE)
  return [derOid(id), derChildren(values, DerTag.SET)[0]]
}

function checkMac(mac: DerValue, content: Buffer, password: string): void {
  const [digestInfo, salt, iterations] = derChildren(mac, DerTag.SEQUENCE)
  const [algorithm, expected] = derChildren(digestInfo, DerTag.SEQUENCE)
  const oid = derOid(derChildren(algorithm, DerTag.SEQUENCE)[0])
  const digest = digestsByOid.get(oid)
  if (!digest)
    throw new KeyStoreError(
      'unsupported',
      oid === PBMAC1 ? 'its integrity check is a PBMAC1, which is not supported' : `its integrity check (${oid}) is not supported`,
    )
  const macBytes = derContent(expected, DerTag.OCTET_STRING)
  const key = derivePkcs12({
    password,
    salt: derContent(salt, DerTag.OCTET_STRING),
    iterations: iterations ? iterationCount(iterations) : 1,
    digest,
    purpose: 'mac',
    length: macBytes.length > 64 ? 64 : macBytes.length,
  })
  const actual = createHmac(digest, key).update(content).digest()
  if (actual.length !== macBytes.length || !timingSafeEqual(actual, macBytes))
    throw new KeyStoreError('password', 'the password is wrong, or the file was tampered with')
}

interface Certificate {
  readonly alias: string
  readonly bytes: Buffer
  readonly keyId: string | null
  readonly isTrusted: boolean
}

function entries(all: readonly Bag[]): KeyStoreEntry[] {
  const certificates = all.filter(({ id }) => id === CERTIFICATE_BAG).map(certificate)
  if (certificates.length > CERTIFICATES_MAX) throw new KeyStoreError('unsupported', `it holds more than ${CERTIFICATES_MAX} certificates`)
  const keys = all.filter(({ id }) => id === KEY_BAG || id === SHROUDED_KEY_BAG)
  return [
    ...keys.map((bag, index) => keyEntry(bag, index, certificates)),
    ...certificates.filter(({ isTrusted }) => isTrusted).map(({ alias, bytes }) => ({ alias, certificates: [bytes], privateKey: null })),
  ]
}

function certificate({ value, attributes }: Bag, index: number): Certificate {
  const [id, wrapped] = derChildren(value, DerTag.SEQUENCE)
  if (derOid(id) !== X509_CERTIFICATE) throw new KeyStoreError('unsupported', `it holds a certificate of an unknown type (${derOid(id)})`)
  return {
    alias: aliasOf(attributes, index),
    bytes: derContent(derChildren(wrapped, DerTag.CONTEXT_0)[0], DerTag.OCTET_STRING),
    keyId: keyIdOf(attributes),
    isTrusted: attributes.has(TRUSTED_KEY_USAGE),
  }
}

function keyEntry({ id, value, attributes }: Bag, index: number, certificates: readonly Certificate[]): KeyStoreEntry {
  const alias = aliasOf(attributes, index)
  const keyId = keyIdOf(attributes)
  const own = certificates.find((candidate) => keyId !== null && candidate.keyId === keyId) ?? certificates.find((candidate) => !candidate.isTrusted)
  if (!own) throw new KeyStoreError('format', `the key "${alias}" has no certificate`)
  if (!value) throw new KeyStoreError('format', `the key "${alias}" is missing`)
  const encoded = value.encoded
  return {
    alias,
    certificates: chainOf(own, certificates),
    privateKey: (password) => (id === KEY_BAG ? encoded : decryptKey(encoded, password)),
  }
}

function decryptKey(encoded: Buffer, password: string): Buffer {
  const [algorithm, data] = derChildren(readDer(encoded), DerTag.SEQUENCE)
  return decryptWithPassword(algorithm, derContent(data, DerTag.OCTET_STRING), password)
}

/** The certificate and those that have issued it, as far as they are here; the store keeps no order. */
function chainOf(own: Certificate, certificates: readonly Certificate[]): Buffer[] {
  const candidates = certificates.map(({ bytes }) => bytes)
  const chain = [own.bytes]
  let last = new X509Certificate(own.bytes)
  while (chain.length < CHAIN_MAX && last.subject !== last.issuer) {
    const issuer = candidates.find((bytes) => !chain.includes(bytes) && last.checkIssued(new X509Certificate(bytes)))
    if (!issuer) break
    chain.push(issuer)
    last = new X509Certificate(issuer)
  }
  return chain
}

function aliasOf(attributes: Bag['attributes'], index: number): string {
  const name = attributes.get(FRIENDLY_NAME)
  if (!name) return String(index + 1)
  const content = Buffer.from(derContent(name, DerTag.BMP_STRING))
  if (content.length % 2 !== 0) throw new KeyStoreError('format', 'it is damaged: an alias is cut off')
  return content.swap16().toString('utf16le')
}

function keyIdOf(attributes: Bag['attributes']): string | null {
  const id = attributes.get(LOCAL_KEY_ID)
  return id ? derContent(id, DerTag.OCTET_STRING).toString('hex') : null
}
