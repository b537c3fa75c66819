import assert from 'node:assert/strict'
import test from 'node:test'
import { newSecrets, resolvedSecrets, SecretMask, secretsIn } from './secret-mask.ts'

test('values of keys that sound like secrets, and those of the type PASSWORD, are secrets', () => {
  const properties = { 'connection.password': 'hunter2', 'api-key': 'k-123', pin: '4711', topic: 'orders', 'value.converter.schemas.enable': 'false' }
  assert.deepEqual(
    secretsIn(properties, (key) => key === 'pin'),
    ['hunter2', 'k-123', '4711'],
  )
})

test('where a secret is found, and how it is used, is none', () => {
  const properties = {
    'sasl.oauthbearer.token.endpoint.url': 'https://login.example.org/token',
    'ssl.keystore.location': '/etc/keys/store.p12',
    'password.file': '/run/secrets/db',
    'secret.name': 'orders-database',
  }
  assert.deepEqual(secretsIn(properties), [])
})

test('the parts of a value that hold a password are secrets, too', () => {
  const jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="s3cr3t";'
  assert.ok(secretsIn({ 'sasl.jaas.config': jaas }).includes('s3cr3t'))
  assert.ok(secretsIn({ url: 'jdbc:postgresql://bob:p%40ss@db:5432/orders' }).includes('p@ss'))
  assert.ok(secretsIn({ 'basic.auth.user.info': 'user:letmein' }).includes('letmein'))
})

test('what references were resolved to is secret, and only that', () => {
  const written = { url: 'jdbc:x://${file:/run/db:user}:${file:/run/db:pw}@db/a', plain: 'b', unknown: '${nobody:x}', none: null }
  const resolved = { url: 'jdbc:x://alice:hunter2@db/a', plain: 'b', unknown: '${nobody:x}' }
  assert.deepEqual(resolvedSecrets(written, resolved), ['alice', 'hunter2'])
  assert.deepEqual(resolvedSecrets({ a: '${env:A}' }, { a: 'line one\nline two' }), ['line one\nline two'])
})

test('secrets are taken out wherever they stand, longer ones first', () => {
  const { mask } = new SecretMask(['hunter2', 'hunter2-again', 'abc', 'true'])
  assert.equal(mask('hunter2-again, not hunter2: abc true'), '[hidden], not [hidden]: abc true')
})

test('class names, switches and what is too short are no secrets', () => {
  const mask = new SecretMask(['org.apache.kafka.common.config.provider.FileConfigProvider', 'false', 'x'])
  assert.equal(mask.isEmpty, true)
})

test('what stands where a secret stood is one, when the configuration is resolved again', () => {
  const mask = new SecretMask(['hunter2', 'alice'])
  const before = { url: 'jdbc:x://alice:hunter2@db/a', topic: 'orders' }
  assert.deepEqual(newSecrets(mask, before, { url: 'jdbc:x://alice:hunter3@db/a', topic: 'other' }), ['alice', 'hunter3'])
})

test('a key in PEM form is found line by line, too', () => {
  const key = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----'
  const { mask } = new SecretMask(secretsIn({ 'ssl.keystore.key': key }))
  assert.equal(mask('cannot parse AQEFAASCBKcwggSjAgEAAoIB'), 'cannot parse [hidden]')
  assert.equal(mask(`in ${key}`), 'in [hidden]')
})
