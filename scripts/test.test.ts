import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'

const header = `import test from 'node:test'\n`

test('sums the tests of all files in its last line', (t) => {
  const { status, lines } = runTests(t, {
    'one.test.ts': `${header}test('a', () => {})\ntest('b', async (t) => { await t.test('c', () => {}) })`,
    'two.test.ts': `${header}test.describe('suite', () => { test('a', () => {}) })`,
  })
  assert.equal(lines.at(-1), '4 passed, 0 failed, 0 skipped')
  assert.equal(status, 0)
})

test('names what was skipped, and fails for it only where servers are required', (t) => {
  const files = { 'one.test.ts': `${header}test('a', () => {})\ntest('needs more', { skip: 'no server' }, () => {})` }
  const here = runTests(t, files)
  assert.ok(here.lines.some((line) => line.includes('one.test.ts: needs more (no server)')))
  assert.equal(here.lines.at(-1), '1 passed, 0 failed, 1 skipped')
  assert.equal(here.status, 0)
  assert.equal(runTests(t, files, { MILLRACE_REQUIRE_SERVERS: '1' }).status, 1)
})

test('a failing test, a failing hook, an unhandled rejection and an early exit fail the run', (t) => {
  const { status, lines } = runTests(t, {
    'assertion.test.ts': `${header}test('fails', () => { throw new Error('because') })`,
    'hook.test.ts': `${header}test.describe('suite', () => { test.before(() => { throw new Error('hook') }); test('a', () => {}) })`,
    'rejection.test.ts': `${header}test('a', () => { Promise.reject(new Error('nobody cares')) })`,
    'exit.test.ts': `${header}test('leaves', () => { process.exit(3) })`,
  })
  assert.equal(status, 1)
  for (const file of ['assertion', 'hook', 'rejection', 'exit'])
    assert.ok(lines.includes(`  tests/${file}.test.ts`), `${file} is not listed as failed:\n${lines.join('\n')}`)
  assert.ok(lines.some((line) => line.includes('because')))
})

test('a file without tests fails the run', (t) => {
  const { status, lines } = runTests(t, { 'empty.test.ts': 'export {}' })
  assert.equal(status, 1)
  assert.ok(lines.some((line) => line.includes('the file runs no test')))
})

test('a file that does not end is stopped at its deadline, with its children, and the test in flight is named', (t) => {
  const { status, lines } = runTests(t, {
    'endless.test.ts': `${header}import { spawn } from 'node:child_process'
      test('waits for ever', async () => { spawn('sleep', ['1000'], { stdio: 'inherit' }); await new Promise(() => setInterval(() => {}, 1000)) })`,
  })
  assert.equal(status, 1)
  assert.ok(
    lines.some((line) => line.includes('last started: "waits for ever"')),
    lines.join('\n'),
  )
})

/** Runs the test script over a repository of its own that holds only these files. */
function runTests(t: TestContext, files: Record<string, string>, env: Record<string, string> = {}): { status: number | null; lines: string[] } {
  const root = mkdtempSync(join(tmpdir(), 'millrace-run-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(join(root, 'tests'))
  mkdirSync(join(root, 'scripts'))
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
  for (const script of ['test.ts', 'test-events.ts']) cpSync(join(import.meta.dirname, script), join(root, 'scripts', script))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'tests', name), text)
  // A word that every path contains: types and lint are not part of it.
  const result = spawnSync(process.execPath, ['scripts/test.ts', '--file-deadline-min', '0.05', 'tests/'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, MILLRACE_REQUIRE_SERVERS: '', ...env },
    timeout: 60_000,
  })
  return { status: result.status, lines: result.stdout.trimEnd().split('\n') }
}
