import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { brokerApisFile, brokerApisPage } from './broker-apis.ts'

test('docs/reference/broker-apis.md is what the broker offers', () => {
  assert.equal(readFileSync(brokerApisFile, 'utf8'), brokerApisPage(), 'run: node scripts/run.mjs tests/reference/broker-apis.ts')
})
