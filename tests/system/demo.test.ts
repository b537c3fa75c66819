import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'node:test'
import { type GuardedProcess, startGuardedProcess, temporaryFolder, waitFor } from '@millrace/testing'

const demo = join(import.meta.dirname, '..', '..', 'scripts', 'demo.ts')

function startDemo(temporary: string, args: readonly string[]): Promise<GuardedProcess> {
  mkdirSync(temporary, { recursive: true })
  return startGuardedProcess({ command: process.execPath, args: [demo, ...args], env: { TMPDIR: temporary, INIT_CWD: undefined } })
}

/** What of the demo is there. Node keeps compiled code beside it. */
function leftIn(temporary: string): string[] {
  return readdirSync(temporary).filter((name) => name.startsWith('millrace-demo-'))
}

test('the demo proves that the copy equals the file, and leaves nothing behind', async (t) => {
  const temporary = join(temporaryFolder(t), 'temporary')
  const run = await startDemo(temporary, ['--lines', '20000'])
  const { code } = await run.exited
  assert.equal(code, 0, run.output)
  assert.match(run.output, /the copy equals the file byte for byte/)
  assert.match(run.output, /demo-sink .* yes /)
  assert.deepEqual(leftIn(temporary), [])
})

test('the demo names what the original could not carry unchanged, and proves the file line by line', async (t) => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'odd.txt')
  writeFileSync(file, Buffer.from('first\r\n\n\xff second\nno end', 'latin1'))
  const run = await startDemo(join(folder, 'temporary'), ['--file', file])
  const { code } = await run.exited
  assert.equal(code, 0, run.output)
  for (const named of [/carriage returns/, /no end/, /not UTF-8/, /all 3 lines are equal/]) assert.match(run.output, named)
})

for (const file of ['empty.txt', 'missing.txt']) {
  test(`the demo refuses a file that it cannot show anything with (${file})`, async (t) => {
    const folder = temporaryFolder(t)
    writeFileSync(join(folder, 'empty.txt'), '')
    const run = await startDemo(join(folder, 'temporary'), ['--file', join(folder, file)])
    assert.equal((await run.exited).code, 2, run.output)
    assert.ok(run.output.includes(file), run.output)
    assert.deepEqual(leftIn(join(folder, 'temporary')), [])
  })
}

test('the demo can be interrupted at each moment and leaves nothing behind', async (t) => {
  for (const wait of [0, 300, 600, 900]) {
    const temporary = join(temporaryFolder(t), 'temporary')
    const run = await startDemo(temporary, [])
    await waitFor(() => leftIn(temporary).length > 0, { what: "the demo's folder" })
    await delay(wait)
    run.kill('SIGINT')
    const { code } = await run.exited
    assert.equal(code, 130, `after ${wait} ms\n${run.output}`)
    assert.deepEqual(leftIn(temporary), [], `after ${wait} ms`)
  }
})

test('the demo of a cluster shows that another worker takes over, and that no line is lost', async (t) => {
  const temporary = join(temporaryFolder(t), 'temporary')
  const run = await startDemo(temporary, ['--workers', '3'])
  const { code } = await run.exited
  assert.equal(code, 0, run.output)
  for (const shown of [/demo-(source|sink)-0 is UNASSIGNED/, /demo-(source|sink)-0 is RUNNING/, /timed out/, /all \d+ lines are in the copy/])
    assert.match(run.output, shown)
  assert.deepEqual(leftIn(temporary), [])
})
