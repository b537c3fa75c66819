import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { silentLogger } from '@millrace/kafka'
import { temporaryFolder } from '@millrace/testing'
import { type BrokerSettings, readBrokerSettings } from './broker-settings.ts'

const logger = { ...silentLogger, isDebugEnabled: false, trace: () => undefined }
const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required'

function read(t: TestContext, lines: readonly string[]): Promise<BrokerSettings> {
  const file = join(temporaryFolder(t), 'server.properties')
  writeFileSync(file, lines.join('\n'))
  return readBrokerSettings(file, logger)
}

test('an empty file is the broker of the command without a file', async (t) => {
  assert.deepEqual(await read(t, []), { host: '127.0.0.1', port: 9092, security: {}, properties: {} })
})

test('users may stand in the settings of the listener, and others are handed on', async (t) => {
  const settings = await read(t, [
    'listeners=SASL_PLAINTEXT://:9094',
    'log.dirs=/data',
    'sasl.enabled.mechanisms=PLAIN, SCRAM-SHA-512',
    `listener.name.sasl_plaintext.plain.sasl.jaas.config=${PLAIN} username=admin password=x user_admin="x" user_alice="y z";`,
    'connections.max.reauth.ms=60000',
    'num.partitions=3',
  ])
  assert.deepEqual(settings, {
    host: '0.0.0.0',
    port: 9094,
    dataDir: '/data',
    security: { sasl: { users: { admin: 'x', alice: 'y z' }, mechanisms: ['PLAIN', 'SCRAM-SHA-512'], sessionLifetimeMs: 60_000 } },
    properties: { 'num.partitions': '3' },
  })
})

for (const [what, lines, expected] of [
  ['two listeners', ['listeners=PLAINTEXT://:1,SSL://:2'], /server\.properties:1: Invalid value PLAINTEXT.* one listener/],
  ['a protocol that there is not', ['', 'listeners=HTTP://:1'], /:2: Invalid value HTTP.*PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL/],
  ['SASL without users', ['listeners=SASL_PLAINTEXT://:1'], /:1: "listeners" asks for SASL, but there are no users.*user_alice/],
  ['a mechanism that there is not', ['listeners=SASL_PLAINTEXT://:1', 'sasl.enabled.mechanisms=GSSAPI'], /:2: Invalid value GSSAPI/],
  ['a broken JAAS entry', ['listeners=SASL_PLAINTEXT://:1', 'sasl.jaas.config=x secret'], /:2: "sasl\.jaas\.config": Invalid login module control flag/],
  ['users that nobody asks for', [`sasl.jaas.config=${PLAIN} user_a="b";`], /:1: "sasl\.jaas\.config" has no effect, because the listener is PLAINTEXT/],
  ['TLS without a key', ['listeners=SSL://:1'], /"ssl\.keystore\.location" is missing/],
  ['a key store that is not there', ['listeners=SSL://:1', 'ssl.keystore.location=/nowhere', 'ssl.keystore.password=x'], /:2: .*the file does not exist/],
  ['two folders', ['log.dirs=/a,/b'], /:1: Invalid value \/a,\/b .* one folder/],
] as const) {
  test(`${what}: refused with file, line and key`, async (t) => {
    await assert.rejects(read(t, lines), { name: 'StartupError', exitCode: 2, message: expected })
  })
}
