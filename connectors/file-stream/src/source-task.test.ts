import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Logger, PluginMetrics, Properties, SourceOffset, SourceRecord, SourceTaskContext } from '@millrace/api'
import { FileStreamSourceTask } from './source-task.ts'

let folder: string
let file: string
let stopping: AbortController
let running: FileStreamSourceTask | null = null
const warnings: string[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-file-'))
  file = join(folder, 'input.txt')
  stopping = new AbortController()
  warnings.length = 0
})

afterEach(async () => {
  stopping.abort()
  await running?.stop()
  running = null
  rmSync(folder, { recursive: true })
})

function startTask(properties: Properties = {}, stored: SourceOffset | null = null): FileStreamSourceTask {
  const task = new FileStreamSourceTask()
  running = task
  task.start({ file, topic: 'lines', ...properties }, contextWith(stored))
  return task
}

function contextWith(stored: SourceOffset | null): SourceTaskContext {
  const ignore = (): void => {}
  const logger: Logger = { isDebugEnabled: false, trace: ignore, debug: ignore, info: ignore, warn: (message) => warnings.push(message), error: ignore }
  const metrics: PluginMetrics = { gauge: ignore, counter: () => ({ add: ignore }), remove: ignore }
  return {
    logger,
    metrics,
    signal: stopping.signal,
    offsetStorageReader: { offset: async () => stored, offsets: async (partitions) => partitions.map(() => stored) },
    transactionContext: null,
    configs: async () => ({}),
  }
}

/** Polls until there are records. */
async function nextBatch(task: FileStreamSourceTask): Promise<readonly SourceRecord[]> {
  for (let polls = 0; polls < 20; polls++) {
    const records = await task.poll()
    if (records !== null && records.length > 0) return records
  }
  assert.fail('no records after 20 polls')
}

function valuesOf(records: readonly SourceRecord[]): unknown[] {
  return records.map((record) => record.value)
}

test('reads lines with their positions in bytes', async () => {
  writeFileSync(file, 'Zürich\nBern\r\nno end')
  const records = await nextBatch(startTask())
  assert.deepEqual(valuesOf(records), ['Zürich', 'Bern'])
  assert.deepEqual(
    records.map((record) => record.sourceOffset),
    [{ position: 8 }, { position: 14 }],
  )
  const [first] = records
  assert.deepEqual(first?.sourcePartition, { filename: file })
  assert.equal(first?.topic, 'lines')
  assert.equal(first?.kafkaPartition, null)
  assert.equal(first?.valueSchema?.type, 'STRING')
  assert.equal(first?.keySchema, null)
  assert.ok(Math.abs((first?.timestamp ?? 0) - Date.now()) < 60_000)
})

test('returns at most batch.size records and loses none in between', async () => {
  const lines = Array.from({ length: 10_000 }, (_, index) => `line ${index} ${'x'.repeat(index % 90)}`)
  writeFileSync(file, `${lines.join('\n')}\n`)
  const task = startTask({ 'batch.size': '777' })
  const values: unknown[] = []
  while (values.length < lines.length) {
    const records = await nextBatch(task)
    assert.ok(records.length <= 777)
    values.push(...valuesOf(records))
  }
  assert.deepEqual(values, lines)
})

test('reads a line that is longer than a chunk', async () => {
  const long = 'é'.repeat(500_000)
  writeFileSync(file, `${long}\nshort\n`)
  assert.deepEqual(valuesOf(await nextBatch(startTask())), [long, 'short'])
})

test('goes on at the stored position', async () => {
  writeFileSync(file, 'one\ntwo\nthree\n')
  assert.deepEqual(valuesOf(await nextBatch(startTask({}, { position: 4 }))), ['two', 'three'])
})

test('refuses a file that is shorter than the stored position', async () => {
  writeFileSync(file, 'one\n')
  await assert.rejects(startTask({}, { position: 5 }).poll(), /has 4 bytes, which is less than the position 5/)
})

test('refuses a stored position that is no integer', async () => {
  writeFileSync(file, 'one\n')
  await assert.rejects(startTask({}, { position: 'one' }).poll(), /^ConnectError: Offset position is the incorrect type$/)
})

test('refuses a directory', async () => {
  await assert.rejects(startTask({ file: folder }).poll(), /is a directory/)
})

test('waits for a file that does not exist yet and says so once', async () => {
  const task = startTask()
  assert.equal(await task.poll(), null)
  assert.equal(await task.poll(), null)
  writeFileSync(file, 'one\n')
  assert.deepEqual(valuesOf(await nextBatch(task)), ['one'])
  assert.deepEqual(warnings, [`Couldn't find file ${file} for FileStreamSourceTask, sleeping to wait for it to be created`])
})

test('returns at once when it is stopped', async () => {
  const task = startTask()
  const polled = task.poll()
  const before = performance.now()
  stopping.abort()
  await polled
  assert.ok(performance.now() - before < 500)
})

test('returns at once when it is stopped while its file rests', async () => {
  writeFileSync(file, '')
  const task = startTask()
  assert.equal(await task.poll(), null)
  const polled = task.poll()
  // The file is looked at before the wait begins.
  await new Promise((resolve) => setImmediate(resolve))
  const before = performance.now()
  stopping.abort()
  await polled
  assert.ok(performance.now() - before < 500)
})

test('follows a file that grows', async () => {
  writeFileSync(file, 'one\ntw')
  const task = startTask()
  assert.deepEqual(valuesOf(await nextBatch(task)), ['one'])
  assert.equal(await task.poll(), null)
  appendFileSync(file, 'o\nthree\n')
  const records = await nextBatch(task)
  assert.deepEqual(valuesOf(records), ['two', 'three'])
  assert.deepEqual(records.at(-1)?.sourceOffset, { position: 14 })
  assert.deepEqual(warnings, [])
})

test('reads a truncated file from its beginning, after the line that had no end', async () => {
  writeFileSync(file, 'one\ntwo\nunfinished')
  const task = startTask()
  assert.deepEqual(valuesOf(await nextBatch(task)), ['one', 'two'])
  truncateSync(file, 0)
  assert.deepEqual(await nextBatch(task).then((records) => records.map((record) => [record.value, record.sourceOffset])), [['unfinished', { position: 0 }]])
  appendFileSync(file, 'new\n')
  assert.deepEqual(await nextBatch(task).then((records) => records.map((record) => [record.value, record.sourceOffset])), [['new', { position: 4 }]])
  assert.match(warnings.join(), /was truncated while it was followed/)
})

test('reads a replaced file from its beginning, after all of the old one', async () => {
  writeFileSync(file, 'one\n')
  const task = startTask()
  assert.deepEqual(valuesOf(await nextBatch(task)), ['one'])
  renameSync(file, `${file}.1`)
  writeFileSync(file, 'new and longer than before\n')
  appendFileSync(`${file}.1`, 'late\n')
  const values: unknown[] = []
  while (values.length < 2) values.push(...valuesOf(await nextBatch(task)))
  assert.deepEqual(values, ['late', 'new and longer than before'])
  assert.match(warnings.join(), /was replaced while it was followed/)
})

test('reads a FIFO without waiting for its writer', { skip: process.platform === 'win32' }, async () => {
  execFileSync('mkfifo', [file])
  const task = startTask()
  assert.equal(await task.poll(), null)
  for (const lines of [['one', 'two'], ['three']]) {
    const writer = spawn('sh', ['-c', `printf '${lines.join('\\n')}\\n' > '${file}'`])
    const written = once(writer, 'exit')
    assert.deepEqual(valuesOf(await nextBatch(task)), lines)
    await written
  }
})

for (const kind of ['pipe', 'socket'] as const) {
  test(`reads lines of the standard input, a ${kind}, without offsets`, { skip: process.platform === 'win32' }, async () => {
    const script = join(import.meta.dirname, 'source-task.stdin-fixture.ts')
    const child =
      kind === 'socket'
        ? spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
        : spawn('sh', ['-c', `printf 'one\\ntwo\\n' | "${process.execPath}" "${script}"`], { stdio: ['ignore', 'pipe', 'inherit'] })
    if (kind === 'socket') child.stdin?.end('one\ntwo\n')
    let output = ''
    for await (const chunk of child.stdout as NodeJS.ReadableStream) output += String(chunk)
    assert.deepEqual(JSON.parse(output), [
      ['one', null, null],
      ['two', null, null],
    ])
  })
}
