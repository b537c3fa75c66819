import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { hints } from '@millrace/runtime'
import { errorPages, errorsFolder } from './errors.ts'

test('docs/errors has a page for each hint, as the table of hints says', () => {
  const pages = errorPages()
  assert.deepEqual(readdirSync(errorsFolder).sort(), [...pages.keys()].sort(), 'run: node scripts/run.mjs tests/reference/errors.ts')
  for (const [name, text] of pages) assert.equal(readFileSync(join(errorsFolder, name), 'utf8'), text, 'run: node scripts/run.mjs tests/reference/errors.ts')
})

test('each hint has an id of its own, which tells its class, and texts that are whole sentences', () => {
  const digits = { transient: '1', data: '2', configuration: '3', authentication: '4', resource: '5', bug: '6' }
  assert.equal(new Set(hints.map(({ id }) => id)).size, hints.length)
  for (const { id, class: failureClass, meaning, see, try: advice } of hints) {
    assert.match(id, new RegExp(`^MR-${digits[failureClass]}\\d{3}$`))
    for (const text of [meaning, see, advice]) assert.match(text, /^[A-Z`].{10,}[.]$/, id)
  }
})
