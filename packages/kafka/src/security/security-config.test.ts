import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { silentLogger } from '../logger.ts'
import { javaAllowList, javaSystemProperty } from './java-system-properties.ts'
import { type SecurityConfig, securityConfig } from './security-config.ts'

const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="hidden";'

function read(properties: Readonly<Record<string, string>>, warnings: string[] = []): SecurityConfig {
  return securityConfig((name) => properties[name] ?? null, { ...silentLogger, warn: (text) => warnings.push(text) })
}

test('without a protocol there is no security, whatever else is set', () => {
  assert.deepEqual(read({ 'sasl.mechanism': 'NONSENSE', 'ssl.keystore.type': 'NONSENSE' }), { tls: null, sasl: null })
})

test('reads the protocol in any case', () => {
  assert.equal(read({ 'security.protocol': 'ssl' }).tls?.checksHost, true)
  assert.throws(() => read({ 'security.protocol': 'TLS' }), /Invalid value TLS for configuration security\.protocol/)
})

test('reads credentials', () => {
  const { sasl } = read({ 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': PLAIN })
  assert.deepEqual(sasl, { mechanism: 'PLAIN', credentials: { username: 'alice', password: 'hidden' } })
  const token = PLAIN.replaceAll('plain.Plain', 'scram.Scram').replace('alice"', 'alice" tokenauth=true')
  const scram = read({ 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'SCRAM-SHA-512', 'sasl.jaas.config': token })
  assert.deepEqual(scram.sasl, { mechanism: 'SCRAM-SHA-512', credentials: { username: 'alice', password: 'hidden' }, isToken: true })
  assert.notEqual(scram.tls, null)
})

test('refuses by name what is not supported', () => {
  const sasl = { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': PLAIN }
  for (const [properties, message] of [
    [{ 'sasl.mechanism': 'GSSAPI' }, /GSSAPI.*not supported: Kerberos/],
    [{ 'sasl.mechanism': 'AWS_MSK_IAM' }, /"AWS_MSK_IAM", which is not supported\. Use one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER/],
    [{ 'sasl.jaas.config': 'com.sun.security.auth.module.Krb5LoginModule required;' }, /Krb5LoginModule.*GSSAPI is not supported/],
    [{ 'sasl.jaas.config': 'a.B required;' }, /login module "a\.B".*not supported for PLAIN/],
    [{ 'sasl.jaas.config': PLAIN.replace('password', 'pass') }, /option "password" is missing/],
    [{ 'sasl.login.callback.handler.class': 'a.B' }, /"a\.B" is a Java class/],
    [{ 'sasl.mechanism': 'OAUTHBEARER' }, /PlainLoginModule.*not supported for OAUTHBEARER/],
  ] as const) {
    assert.throws(
      () => read({ ...sasl, ...properties }),
      (error: Error & { code?: string }) => error.code === 'INVALID_CONFIGURATION' && message.test(error.message) && !error.message.includes('hidden'),
      String(message),
    )
  }
})

test('takes the JAAS file of Java where the setting is missing', (t) => {
  const file = join(temporaryFolder(t), 'jaas.conf')
  writeFileSync(file, `KafkaClient {\n  ${PLAIN}\n};\n`)
  const before = process.env.KAFKA_OPTS
  t.after(() => {
    if (before === undefined) delete process.env.KAFKA_OPTS
    else process.env.KAFKA_OPTS = before
  })
  const properties = { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'PLAIN' }
  delete process.env.KAFKA_OPTS
  assert.throws(() => read(properties), /Could not find a 'KafkaClient' entry in the JAAS configuration\..* is not set/)
  process.env.KAFKA_OPTS = `-Xmx1G -Djava.security.auth.login.config=${file}`
  assert.equal(read(properties).sasl?.mechanism, 'PLAIN')
})

test('refuses settings of TLS that do not fit together, in the words of Java', () => {
  for (const [properties, message] of [
    [{ 'ssl.keystore.key': 'k' }, 'SSL private key can be specified only for PEM, but key store type is JKS.'],
    [{ 'ssl.keystore.type': 'PEM', 'ssl.keystore.key': 'k' }, 'SSL private key is specified, but certificate chain is not specified.'],
    [{ 'ssl.keystore.certificate.chain': 'c' }, 'SSL certificate chain is specified, but private key is not specified'],
    [{ 'ssl.keystore.password': 'p' }, 'SSL key store is not specified, but key store password is specified.'],
    [{ 'ssl.keystore.location': 'l' }, 'SSL key store is specified, but key store password is not specified.'],
    [{ 'ssl.truststore.certificates': 'c' }, 'SSL trust store certs can be specified only for PEM, but trust store type is JKS.'],
    [
      { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': 'l', 'ssl.truststore.password': 'p' },
      'SSL trust store password cannot be specified for PEM format.',
    ],
    [{ 'ssl.truststore.password': 'p' }, 'SSL trust store is not specified, but trust store password is specified.'],
  ] as const) {
    assert.throws(() => read({ 'security.protocol': 'SSL', ...properties }), { code: 'INVALID_CONFIGURATION', message })
  }
})

test('reads versions and cipher suites by the names of Java', () => {
  const tls = (properties: Readonly<Record<string, string>>) => {
    const { minVersion, maxVersion, ciphers } = read({ 'security.protocol': 'SSL', ...properties }).tls!
    return [minVersion, maxVersion, ciphers]
  }
  assert.deepEqual(tls({}), ['TLSv1.2', 'TLSv1.3', undefined])
  assert.deepEqual(tls({ 'ssl.protocol': 'TLSv1.2' }), ['TLSv1.2', 'TLSv1.2', undefined])
  assert.deepEqual(tls({ 'ssl.enabled.protocols': 'TLSv1.3' }), ['TLSv1.3', 'TLSv1.3', undefined])
  assert.deepEqual(tls({ 'ssl.enabled.protocols': 'TLSv1.1,TLSv1.2' }), ['TLSv1.2', 'TLSv1.2', undefined])
  const suites = {
    TLS_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
    TLS_DHE_RSA_WITH_AES_256_CBC_SHA256: 'DHE-RSA-AES256-SHA256',
    TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  }
  for (const [java, openssl] of Object.entries(suites)) assert.equal(tls({ 'ssl.cipher.suites': java })[2], openssl)
  for (const [properties, message] of [
    [{ 'ssl.cipher.suites': 'TLS_NONSENSE' }, /Unsupported CipherSuite: TLS_NONSENSE/],
    [{ 'ssl.protocol': 'SSLv3' }, /Invalid value SSLv3 for configuration ssl\.protocol/],
    [{ 'ssl.enabled.protocols': 'TLSv1.1' }, /no version of TLS that can be used/],
    [{ 'ssl.protocol': 'TLSv1.2', 'ssl.enabled.protocols': 'TLSv1.3' }, /no version of TLS that can be used/],
    [{ 'ssl.enabled.protocols': 'TLSv2' }, /Unsupported protocol: TLSv2/],
    [{ 'ssl.keystore.type': 'BCFKS' }, /stores of this type cannot be read/],
    [{ 'ssl.endpoint.identification.algorithm': 'LDAPS' }, /use https, or leave it empty/],
    [{ 'ssl.engine.factory.class': 'a.B' }, /"a\.B" is a Java class/],
  ] as const) {
    assert.throws(() => tls(properties), message)
  }
})

test('says which settings have no effect', () => {
  const warnings: string[] = []
  read({ 'security.protocol': 'SSL', 'ssl.provider': 'BCFIPS', 'ssl.keymanager.algorithm': 'PKIX', 'ssl.enabled.protocols': 'TLSv1,TLSv1.3' }, warnings)
  assert.deepEqual(warnings, [
    '"ssl.provider" chooses between parts of a Java virtual machine and has no effect here.',
    '"ssl.enabled.protocols" lists TLSv1, which are not secure and not used.',
  ])
})

test('finds system properties of Java in KAFKA_OPTS', () => {
  const options = `-Xmx1G -Da.b=1 "-Dc=x y" -Dd='p q' -Da.b=2 -De= -Df`
  assert.deepEqual(
    ['a.b', 'c', 'd', 'e', 'f', 'g'].map((name) => javaSystemProperty(name, options)),
    ['2', 'x y', 'p q', '', null, null],
  )
  assert.deepEqual(javaAllowList('l', '-Dl=http://a, -Dl=http://a,http://b'), ['http://a', 'http://b'])
})
