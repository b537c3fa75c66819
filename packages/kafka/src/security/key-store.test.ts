import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { randomBySeed } from '@millrace/testing'
import { readKeyStore } from './key-store.ts'
import { type KeyStoreEntry, KeyStoreError } from './key-store-entry.ts'
import { decryptRc2Cbc } from './rc2.ts'

const folder = join(import.meta.dirname, '..', '..', 'testdata')
const STORE = 'store-secret'
const KEY = 'key-secret'

function stored(name: string): Buffer {
  return readFileSync(join(folder, name))
}

function subjects({ certificates }: KeyStoreEntry): string[] {
  return certificates.map((der) => new X509Certificate(der).subject.replace('O=Millrace\nCN=', ''))
}

for (const name of ['truststore.jks', 'truststore.p12', 'truststore-older.p12']) {
  test(`reads the trusted certificates of ${name} as keytool wrote them`, () => {
    const entries = readKeyStore(stored(name), STORE)
    const found = entries.map((entry) => [entry.alias, subjects(entry), entry.privateKey]).sort()
    assert.deepEqual(found, [
      ['authority', ['Test Authority'], null],
      ['other', ['Other Authority'], null],
    ])
  })
}

for (const name of ['keystore.jks', 'keystore.p12', 'keystore-older.p12', 'keystore-openssl.p12', 'keystore-openssl-older.p12', 'keystore-sha512.p12']) {
  test(`reads the private key and its chain from ${name}`, () => {
    const [entry, ...others] = readKeyStore(stored(name), STORE)
    assert.deepEqual(others, [])
    assert.equal(entry!.alias, 'alice')
    assert.deepEqual(subjects(entry!), ['alice', 'Client Authority'])
    const der = entry!.privateKey!(name === 'keystore.jks' ? KEY : STORE)
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    assert.ok(key.equals(createPrivateKey(stored('client-key.pem'))))
  })
}

test('reads a key of another kind', () => {
  const [entry] = readKeyStore(stored('keystore-ec.p12'), STORE)
  const key = createPrivateKey({ key: entry!.privateKey!(STORE), format: 'der', type: 'pkcs8' })
  assert.equal(key.asymmetricKeyType, 'ec')
})

test('says when the password of the store is wrong', () => {
  for (const name of ['truststore.jks', 'truststore.p12', 'truststore-older.p12', 'keystore-openssl-older.p12']) {
    assert.throws(() => readKeyStore(stored(name), 'wrong'), {
      name: 'KeyStoreError',
      reason: 'password',
      message: 'the password is wrong, or the file was tampered with',
    })
  }
})

test('says when the password of a key is wrong', () => {
  for (const name of ['keystore.jks', 'keystore.p12', 'keystore-older.p12']) {
    const [entry] = readKeyStore(stored(name), STORE)
    assert.throws(() => entry!.privateKey!('wrong'), { name: 'KeyStoreError', reason: 'password' })
  }
})

test('reads a JKS store without a password, and of a PKCS12 store only what is not encrypted', () => {
  assert.equal(readKeyStore(stored('truststore.jks'), null).length, 2)
  assert.deepEqual(readKeyStore(stored('truststore.p12'), null), [])
})

test('trusts no certificate of a PKCS12 store that is not marked as trusted', () => {
  assert.deepEqual(readKeyStore(stored('truststore-unmarked.p12'), STORE), [])
})

test('reads an empty store', () => {
  assert.deepEqual(readKeyStore(stored('truststore-empty.jks'), STORE), [])
})

test('refuses other kinds of files by name', () => {
  const refusals: [Buffer, RegExp][] = [
    [stored('truststore-jceks.jks'), /JCEKS/],
    [stored('ca.pem'), /PEM/],
    [Buffer.alloc(0), /empty/],
    [Buffer.from('abc'), /too short/],
    [Buffer.from('something else'), /neither a JKS nor a PKCS12/],
  ]
  for (const [bytes, message] of refusals) assert.throws(() => readKeyStore(bytes, STORE), { name: 'KeyStoreError', message })
})

test('decrypts RC2 as RFC 2268 defines it', () => {
  // The first vector of its section 5: eight zero octets under a key of which 63 bits count.
  const key = Buffer.alloc(8)
  const block = Buffer.from('ebb773f993278eff', 'hex')
  // This one makes the whole block padding.
  const iv = Buffer.alloc(8, 8)
  assert.deepEqual(decryptRc2Cbc(key, 63, iv, block), Buffer.alloc(0))
})

test('answers damaged stores with an error, whatever is damaged', () => {
  const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const random = randomFrom(seed)
  const names = [
    'truststore.jks',
    'keystore.jks',
    'truststore.p12',
    'keystore.p12',
    'keystore-openssl-older.p12',
    'truststore-older.p12',
    'keystore-sha512.p12',
  ]
  for (let round = 0; round < 500; round++) {
    const bytes = mutated(stored(names[random(names.length)]!), random)
    try {
      // Without the check of integrity the damage reaches the readers behind it.
      const entries = readKeyStore(bytes, round % 5 ? null : STORE)
      for (const { privateKey } of entries) privateKey?.(KEY)
    } catch (error) {
      assert.ok(error instanceof KeyStoreError, `MILLRACE_SEED=${seed} round ${round}: ${error}`)
    }
  }
})

test('answers random bytes with an error', () => {
  const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const random = randomFrom(seed)
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(Array.from({ length: random(200) }, () => random(256)))
    if (round % 3 === 0) Buffer.from('feedfeed00000002', 'hex').copy(bytes)
    if (round % 3 === 1 && bytes.length > 0) bytes[0] = 0x30
    assert.throws(() => assert.notDeepEqual(readKeyStore(bytes, null), []), `MILLRACE_SEED=${seed} round ${round}`)
  }
})

function mutated(original: Buffer, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(original)
  for (let i = random(4); i >= 0; i--) bytes[random(bytes.length)] = random(256)
  if (random(4) === 0) bytes = bytes.subarray(0, random(bytes.length))
  if (random(8) === 0) bytes = Buffer.concat([bytes, Buffer.alloc(random(10))])
  return bytes
}

/** Whole numbers from 0 on, below the one given. */
function randomFrom(seed: number): (below: number) => number {
  const random = randomBySeed(seed)
  return (below) => Math.floor(random() * below)
}
