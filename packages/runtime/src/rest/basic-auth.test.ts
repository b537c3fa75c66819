import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Logger } from '@millrace/api'
import { temporaryFolder } from '@millrace/testing'
import { basicAuthentication } from './basic-auth.ts'

const EXTENSION = 'org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension'
const MODULE = 'org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule'
const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** Names a JAAS file with this text, as deployments do. */
function withJaasFile(t: TestContext, text: string): void {
  const file = join(temporaryFolder(t), 'connect.jaas')
  writeFileSync(file, text)
  withOptions(t, `-Xmx1G -Djava.security.auth.login.config=${file}`)
}

function withOptions(t: TestContext, options: string): void {
  const { KAFKA_OPTS: before } = process.env
  process.env.KAFKA_OPTS = options
  t.after(() => {
    if (before === undefined) delete process.env.KAFKA_OPTS
    else process.env.KAFKA_OPTS = before
  })
}

function withUsers(t: TestContext, users: string): ReturnType<typeof basicAuthentication> {
  const file = join(temporaryFolder(t), 'users.properties')
  writeFileSync(file, users)
  withJaasFile(t, `KafkaClient { x.Y required; };\nKafkaConnect { ${MODULE} required file="${file}"; };`)
  return basicAuthentication([EXTENSION], logger)
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

test('nothing is asked of requests without an extension', () => {
  assert.equal(basicAuthentication([], logger), null)
})

test('lets in who gives a name of the file with its password, and nobody else', (t) => {
  const authentication = withUsers(t, '# users\nada: secret:word\nbob=\n')
  const permitted = [basic('ada:secret:word'), basic('ada:secret:word').replace('Basic', 'bAsIc'), basic('bob:')]
  for (const header of permitted) assert.equal(authentication?.permits(header), true, header)
  const refused = ['ada:secret', 'ada:secret:words', 'Ada:secret:word', ':secret:word', 'ada', 'eve:', 'eve:secret:word', ''].map(basic)
  for (const header of [undefined, '', 'Basic', 'Bearer x', 'Basic !!!', `Digest ${refused[0]}`, ...refused])
    assert.equal(authentication?.permits(header), false, header)
})

test('an empty file permits everybody, as in the original', (t) => {
  assert.equal(withUsers(t, '# nobody\n')?.permits(undefined), true)
})

test('refuses to start where the settings of the extension are wrong, and says how to mend it', (t) => {
  const start = (classes = [EXTENSION]) => basicAuthentication(classes, logger)
  withOptions(t, '')
  assert.throws(start, /there is no JAAS file with an entry "KafkaConnect". Name one in the environment: KAFKA_OPTS=-Djava.security.auth.login.config=/)
  withOptions(t, '-Djava.security.auth.login.config=/no/such/file')
  assert.throws(start, /The JAAS file "\/no\/such\/file" .* cannot be read/)
  withJaasFile(t, 'KafkaClient { x.Y required; };')
  assert.throws(start, /there is no JAAS file with an entry "KafkaConnect"/)
  withJaasFile(t, 'KafkaConnect { com.example.Ldap required; };')
  assert.throws(start, /names the login module com.example.Ldap, a Java class, which cannot be loaded/)
  withJaasFile(t, `KafkaConnect { ${MODULE} required; };`)
  assert.throws(start, /needs the option file=/)
  withJaasFile(t, `KafkaConnect { ${MODULE} required file="/no/users"; };`)
  assert.throws(start, { message: 'Error loading Property Credentials file "/no/users": ENOENT' })
  assert.throws(() => start([EXTENSION, 'com.example.Other']), /remove "rest.extension.classes" \(com.example.Other\)/)
})
