import assert from 'node:assert/strict'
import test from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { cells, runMatrix } from './failure-matrix.ts'
import { failureRows, writtenRows } from './failures.ts'

test('whatever goes wrong in whichever call ends as docs/spec/failures.md says', async (t) => {
  const all = cells()
  const rows = failureRows(all, await runMatrix(temporaryFolder(t), all))
  assert.deepEqual(rows, writtenRows(), 'where this is meant to be: node scripts/run.mjs tests/system/failures/failures.ts')
})
