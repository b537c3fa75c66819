// Runs the repository's checks and tests and ends with one line: N passed, N failed, N skipped.
//
//   npm test                          types, lint, and every test that needs no foreign server
//   npm test -- herder kafka/src      only the test files whose path contains one of the words
//   npm run test:servers              the tests that need a real Apache Kafka (fetched by Maven, Java 17)

import { spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { TestFileEvent } from './test-events.ts'

const root = join(import.meta.dirname, '..')
const { values: options, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    /** The tests named `*.servers.test.ts` instead of all others. */
    servers: { type: 'boolean', default: false },
    concurrency: { type: 'string', default: '2' },
    /** After this many minutes everything that still runs is ended and counts as failed. */
    'deadline-min': { type: 'string', default: '40' },
    'file-deadline-min': { type: 'string', default: '8' },
    /** Writes the totals as JSON, for a caller that sums several runs. */
    summary: { type: 'string' },
  },
})

interface Totals {
  passed: number
  failed: number
  skipped: number
}

interface Outcome extends Totals {
  readonly what: string
  readonly durationMs: number
  /** What there is to say about failures, ready to print; empty where all is well. */
  readonly report: string
  readonly skips: readonly string[]
}

const startedAt = performance.now()
const deadlineMs = Number(options['deadline-min']) * 60_000
const fileDeadlineMs = Number(options['file-deadline-min']) * 60_000
const eventFolder = mkdtempSync(join(tmpdir(), 'millrace-test-'))
/** Process groups of the test files that run now. */
const running = new Set<number>()

process.on('exit', () => {
  for (const group of running) killGroup(group)
  rmSync(eventFolder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130))

const outcomes = await runAll()
finish(outcomes)

async function runAll(): Promise<Outcome[]> {
  const files = testFiles()
  if (files.length === 0) {
    console.log(`No test file matches ${words.join(' ') || 'this run'}.`)
    process.exit(1)
  }
  const results: Outcome[] = []
  if (words.length === 0 && !options.servers) {
    for (const [what, args] of [
      ['types (tsc)', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']],
      ['lint (biome)', ['node_modules/@biomejs/biome/bin/biome', 'lint', '--error-on-warnings']],
      ['format (biome)', ['node_modules/@biomejs/biome/bin/biome', 'format']],
    ] as const) {
      results.push(show(await runCheck(what, args)))
    }
  }
  if (options.servers) results.push(show(await runCheck('Apache Kafka (Maven)', ['tests/servers/fetch.ts'])))
  // Files are taken in order by as many loops as may run at once.
  const queue = files.values()
  const takeNext = async (): Promise<void> => {
    for (const file of queue) results.push(show(await runFile(file)))
  }
  await Promise.all(Array.from({ length: Number(options.concurrency) }, takeNext))
  return results
}

/** Slow folders first, so that the run does not end with one long file alone. */
function testFiles(): string[] {
  const found = globSync(
    ['tests/**/*.test.ts', 'packages/*/src/**/*.test.ts', 'connectors/*/src/**/*.test.ts', 'benchmarks/**/*.test.ts', 'scripts/**/*.test.ts'],
    {
      cwd: root,
      exclude: (path) => path.includes('node_modules'),
    },
  )
  const slowFirst = (file: string): number => (file.startsWith('tests/system/') ? 0 : file.startsWith('packages/runtime/') ? 1 : 2)
  return found
    .filter((file) => file.endsWith('.servers.test.ts') === options.servers)
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort((a, b) => slowFirst(a) - slowFirst(b) || a.localeCompare(b))
}

async function runCheck(what: string, args: readonly string[]): Promise<Outcome> {
  const { code, output, durationMs } = await runProcess([...args], {}, deadlineMs)
  const isGood = code === 0
  return { what, durationMs, passed: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: 0, report: isGood ? '' : output, skips: [] }
}

async function runFile(file: string): Promise<Outcome> {
  const eventLog = join(eventFolder, `${file.replaceAll('/', '+')}.ndjson`)
  const { code, output, durationMs, isOverdue } = await runProcess(
    ['--test-reporter', join(root, 'scripts/test-events.ts'), '--test-reporter-destination', eventLog, file],
    { MILLRACE_TEST_FILE: file },
    Math.max(1, Math.min(fileDeadlineMs, deadlineMs - (performance.now() - startedAt))),
  )
  const events = readEvents(eventLog)
  const failures = events.filter((event) => event.kind === 'failed').map((event) => `✗ ${event.name}\n${indent(event.error)}`)
  const skips = events.filter((event) => event.kind === 'skipped').map((event) => `${file}: ${event.name}${event.reason ? ` (${event.reason})` : ''}`)
  const passed = events.filter((event) => event.kind === 'passed').length

  if (isOverdue) failures.push(`✗ not finished after ${(durationMs / 1000).toFixed(0)} s; last started: ${lastStarted(events)}`)
  else if (code !== 0 && failures.length === 0) failures.push(`✗ the process ended with exit code ${code}; last started: ${lastStarted(events)}`)
  else if (passed + failures.length + skips.length === 0) failures.push('✗ the file runs no test')

  const report = failures.length === 0 ? '' : `${failures.join('\n')}\n${output === '' ? '' : `${indent(`output (end):\n${tail(output)}`)}\n`}`
  return { what: file, durationMs, passed, failed: failures.length, skipped: skips.length, report, skips }
}

function readEvents(eventLog: string): TestFileEvent[] {
  let text: string
  try {
    text = readFileSync(eventLog, 'utf8')
  } catch {
    // The process ended before node:test opened it.
    return []
  }
  // The last line is torn where the process was killed.
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as TestFileEvent)
}

function lastStarted(events: readonly TestFileEvent[]): string {
  const started = events.findLast((event) => event.kind === 'started')
  return started === undefined ? 'none' : `"${started.name}"`
}

interface Finished {
  readonly code: number
  readonly output: string
  readonly durationMs: number
  readonly isOverdue: boolean
}

/** Runs Node in a process group of its own, so that nothing that a test started outlives it. */
function runProcess(args: readonly string[], env: Record<string, string>, timeoutMs: number): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const from = performance.now()
    const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const group = child.pid
    if (group !== undefined) running.add(group)
    const chunks: Buffer[] = []
    let isOverdue = false
    const timer = setTimeout(() => {
      isOverdue = true
      if (group !== undefined) killGroup(group)
    }, timeoutMs)
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      // Also where the file ended well: what it left behind would disturb the next one.
      if (group !== undefined) {
        killGroup(group)
        running.delete(group)
      }
      const durationMs = performance.now() - from
      // Not 'close': a process left behind in another group may hold the pipes open.
      setImmediate(() => resolve({ code: code ?? (signal === null ? 1 : 128), output: Buffer.concat(chunks).toString(), durationMs, isOverdue }))
    })
  })
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // Nobody left in it.
  }
}

function show(outcome: Outcome): Outcome {
  const counts = [`${outcome.passed} passed`, outcome.failed > 0 ? `${outcome.failed} FAILED` : '', outcome.skipped > 0 ? `${outcome.skipped} skipped` : '']
  console.log(`${outcome.failed > 0 ? '✗' : '✓'} ${outcome.what}  ${counts.filter(Boolean).join(', ')}  (${(outcome.durationMs / 1000).toFixed(1)} s)`)
  if (outcome.report !== '') console.log(indent(outcome.report))
  return outcome
}

function finish(all: readonly Outcome[]): void {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 }
  for (const outcome of all) {
    totals.passed += outcome.passed
    totals.failed += outcome.failed
    totals.skipped += outcome.skipped
  }
  const skips = all.flatMap((outcome) => outcome.skips)
  if (skips.length > 0) console.log(`\nSKIPPED:\n${skips.map((skip) => `  ${skip}`).join('\n')}`)
  const failed = all.filter((outcome) => outcome.failed > 0)
  if (failed.length > 0) console.log(`\nFAILED:\n${failed.map((outcome) => `  ${outcome.what}`).join('\n')}`)
  if (!options.servers && words.length === 0) {
    console.log('\nNot part of this run: the tests beside a real Apache Kafka and the Java worker (npm run test:servers).')
  }
  console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
  if (options.summary !== undefined) writeFileSync(options.summary, JSON.stringify(totals))
  const mayNotSkip = process.env.MILLRACE_REQUIRE_SERVERS === '1'
  process.exit(totals.failed > 0 || (mayNotSkip && totals.skipped > 0) ? 1 : 0)
}

function tail(text: string): string {
  return text.split('\n').slice(-60).join('\n').slice(-8000)
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')
}
