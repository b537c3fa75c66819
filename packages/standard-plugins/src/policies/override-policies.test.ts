import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientConfigOverridePolicy, Properties } from '@millrace/api'
import {
  AllConnectorClientConfigOverridePolicy,
  AllowlistConnectorClientConfigOverridePolicy,
  NoneConnectorClientConfigOverridePolicy,
  PrincipalConnectorClientConfigOverridePolicy,
} from '../index.ts'

function refusedBy(policy: ClientConfigOverridePolicy, properties: Properties = {}): readonly string[] {
  policy.configure(properties)
  const clientProperties = { acks: '1', 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': 'x', 'security.protocol': 'SSL' }
  const values = policy.validate({ connectorName: 'c', connectorClass: 'C', connectorType: 'sink', clientType: 'CONSUMER', clientProperties })
  assert.deepEqual(
    values.map((value) => value.name),
    Object.keys(clientProperties),
  )
  return values.flatMap((value) => (value.errorMessages.length > 0 ? value.name : []))
}

test('each policy refuses what its name says', () => {
  assert.deepEqual(refusedBy(new AllConnectorClientConfigOverridePolicy()), [])
  assert.deepEqual(refusedBy(new NoneConnectorClientConfigOverridePolicy()), ['acks', 'sasl.mechanism', 'sasl.jaas.config', 'security.protocol'])
  assert.deepEqual(refusedBy(new PrincipalConnectorClientConfigOverridePolicy()), ['acks'])
  assert.deepEqual(refusedBy(new AllowlistConnectorClientConfigOverridePolicy()), ['acks', 'sasl.mechanism', 'sasl.jaas.config', 'security.protocol'])
  assert.deepEqual(refusedBy(new AllowlistConnectorClientConfigOverridePolicy(), { 'connector.client.config.override.allowlist': 'acks, sasl.mechanism' }), [
    'sasl.jaas.config',
    'security.protocol',
  ])
})

test('refusals have the message of the original', () => {
  const policy = new NoneConnectorClientConfigOverridePolicy()
  const [value] = policy.validate({ connectorName: 'c', connectorClass: 'C', connectorType: 'sink', clientType: 'CONSUMER', clientProperties: { acks: '1' } })
  assert.deepEqual(value, {
    name: 'acks',
    value: '1',
    recommendedValues: [],
    errorMessages: ["The 'None' policy does not allow 'acks' to be overridden in the connector configuration."],
    visible: true,
  })
})
