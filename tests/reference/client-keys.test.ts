import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { clientKeysFile, clientKeysPage } from './client-keys.ts'

test('docs/reference/client-keys.md is what the table of client keys says', () => {
  assert.equal(readFileSync(clientKeysFile, 'utf8'), clientKeysPage(), 'run: node scripts/run.mjs tests/reference/client-keys.ts')
})
