import assert from 'node:assert/strict'
import test from 'node:test'
import { brokerConfig } from './broker-config.ts'

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const advertised = (listener: string) => brokerConfig({ 'advertised.listeners': listener }, logger).advertised

test('clients are told the listener that is advertised', () => {
  assert.deepEqual(advertised('PLAINTEXT://broker.example:9092'), { host: 'broker.example', port: 9092 })
  assert.deepEqual(advertised('SSL://[::1]:1'), { host: '::1', port: 1 })
  assert.equal(brokerConfig({}, logger).advertised, null)
})

test('what is not one listener is refused by name', () => {
  for (const listener of ['broker:9092', 'PLAINTEXT://:9092', 'PLAINTEXT://a:0', 'PLAINTEXT://a:65536', 'PLAINTEXT://a:1,SSL://b:2']) {
    assert.throws(() => advertised(listener), { code: 'BROKER_CONFIG_INVALID', message: /advertised\.listeners/ }, listener)
  }
})
