import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { parseJaasConfig, parseJaasFile } from './jaas-config.ts'

/** What Kafka 4.3.1 on Java 17 makes of each text. */
const answers = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'testdata', 'jaas-java.json'), 'utf8')) as {
  readonly text: string
  readonly error?: string
  readonly loginModule?: string
  readonly options?: Readonly<Record<string, string>>
}[]

for (const { text, error, loginModule, options } of answers) {
  test(`reads like Java ${JSON.stringify(text)}`, () => {
    if (error !== undefined) {
      assert.throws(() => parseJaasConfig(text), { code: 'INVALID_CONFIGURATION', message: error })
      return
    }
    const entry = parseJaasConfig(text)
    assert.equal(entry.loginModule, loginModule)
    assert.deepEqual(Object.fromEntries(entry.options), options)
  })
}

test('finds an entry of a JAAS file', () => {
  const text = '/* all */ KafkaServer { a.B required; };\nKafkaClient {\n  c.D required\n  username="x";\n};'
  assert.deepEqual(parseJaasFile(text, 'KafkaClient'), { loginModule: 'c.D', options: new Map([['username', 'x']]) })
  assert.equal(parseJaasFile(text, 'Other'), null)
  for (const broken of ['KafkaClient', 'KafkaClient { a.B required;', 'KafkaClient { a.B required; }']) {
    assert.throws(() => parseJaasFile(broken, 'Other'), { code: 'INVALID_CONFIGURATION' })
  }
})

test('tells no value in an error', () => {
  for (const text of ['a.B required password=hidden@value;', 'a.B required password="hidden" x;', 'a.B required password=hidden']) {
    assert.throws(
      () => parseJaasConfig(text),
      ({ message }: Error) => !message.includes('hidden'),
    )
  }
})
