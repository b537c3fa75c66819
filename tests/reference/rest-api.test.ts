import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { openApiFile, openApiText, restApiFile, restApiPage } from './rest-api.ts'

for (const [file, text] of [
  [restApiFile, restApiPage],
  [openApiFile, openApiText],
] as const) {
  test(`${file.slice(file.indexOf('docs/reference'))} is what the description of the endpoints says`, () => {
    assert.equal(readFileSync(file, 'utf8'), text(), 'run: node scripts/run.mjs tests/reference/rest-api.ts')
  })
}
