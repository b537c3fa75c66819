import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { millraceKeysFile, millraceKeysPage } from './millrace-keys.ts'

test('docs/reference/millrace-keys.md is what the definitions of our own settings say', () => {
  assert.equal(readFileSync(millraceKeysFile, 'utf8'), millraceKeysPage(), 'run: node scripts/run.mjs tests/reference/millrace-keys.ts')
})
