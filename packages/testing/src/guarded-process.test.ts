import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { startGuardedProcess } from './guarded-process.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { waitFor } from './wait-for.ts'

const node = process.execPath

test('passes arguments, environment, output and exit code through', async (t) => {
  const logFile = join(temporaryFolder(t), 'log')
  const child = await startGuardedProcess({
    command: node,
    args: ['-e', 'console.log(process.argv[1], process.env.NAME, process.pid); console.error("to stderr"); process.exitCode = 7', 'an "odd" $argument'],
    env: { NAME: 'Müller' },
    logFile,
  })
  assert.deepEqual(await child.exited, { code: 7 })
  assert.match(child.output, new RegExp(`^an "odd" \\$argument Müller ${child.pid}$`, 'm'))
  assert.match(child.output, /to stderr/)
  await waitFor(() => readFileSync(logFile, 'utf8') === child.output, { what: 'the log file to have it all' })
})

test('stop asks first and kills only who does not listen', async () => {
  const polite = await startGuardedProcess({
    command: node,
    args: ['-e', 'process.on("SIGTERM", () => process.exit(3)); console.log("up"); setInterval(() => {}, 1000)'],
  })
  await polite.printed(/up/)
  assert.deepEqual(await polite.stop(), { code: 3 })

  const deaf = await startGuardedProcess({ command: node, args: ['-e', 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)'] })
  await deaf.printed(/up/)
  assert.deepEqual(await deaf.stop(50), { code: 137 })
})

test('printed rejects at once where the program ends without saying it', async () => {
  const child = await startGuardedProcess({ command: node, args: ['-e', 'console.log("other")'] })
  await assert.rejects(child.printed(/never/), /ended with exit code 0 before it printed \/never\/[^]*other/)
})

test('a program does not outlive the process that started it, even where that is killed', async () => {
  const script = `
    import { startGuardedProcess } from ${JSON.stringify(join(import.meta.dirname, 'guarded-process.ts'))}
    const child = await startGuardedProcess({ command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] })
    console.log(child.pid)
    setInterval(() => {}, 1000)`
  const parent = spawn(node, ['--input-type=module-typescript', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [announcement] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(announcement.toString())
  assert.ok(isAlive(pid))
  parent.kill('SIGKILL')
  await waitFor(() => !isAlive(pid), { what: `process ${pid} to end`, deadlineMs: 5_000 })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
