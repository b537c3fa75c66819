import { JCEKS_MAGIC, JKS_MAGIC, readJks } from './jks.ts'
import { type KeyStoreEntry, KeyStoreError } from './key-store-entry.ts'
import { readPkcs12 } from './pkcs12.ts'

/**
 * Reads a JKS or a PKCS #12 store. Which of them it is, the first bytes say: Java too reads either under both names.
 *
 * @param password of the store. null: a JKS store is read without a check of its integrity, of a PKCS #12 store only what is not encrypted.
 * @throws KeyStoreError for every input that is no such store, whatever its bytes.
 */
export function readKeyStore(bytes: Buffer, password: string | null): KeyStoreEntry[] {
  return guarded(() => readAny(bytes, password)).map(({ alias, certificates, privateKey }) => ({
    alias,
    certificates,
    privateKey: privateKey && ((keyPassword) => guarded(() => privateKey(keyPassword))),
  }))
}

function guarded<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof KeyStoreError) throw error
    throw new KeyStoreError('format', `it is damaged: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}

function readAny(bytes: Buffer, password: string | null): KeyStoreEntry[] {
  if (bytes.length < 4) throw new KeyStoreError('format', bytes.length === 0 ? 'it is empty' : 'it is too short to be a key store')
  const magic = bytes.readUInt32BE(0)
  if (magic === JKS_MAGIC) return readJks(bytes, password)
  if (magic === JCEKS_MAGIC) throw new KeyStoreError('unsupported', 'it is a JCEKS store, a type that is not supported')
  if (bytes[0] === 0x30) return readPkcs12(bytes, password)
  if (bytes.includes('-----BEGIN ')) throw new KeyStoreError('unsupported', 'it is a PEM file, and the type says otherwise')
  throw new KeyStoreError('format', 'it is neither a JKS nor a PKCS12 store')
}
