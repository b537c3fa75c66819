import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { type Schema, SchemaBuilder, Schemas, type SinkRecord, type SinkTaskContext } from '@millrace/api'
import { FileStreamSinkTask } from './sink-task.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-file-'))
  file = join(folder, 'output.txt')
})

afterEach(() => rmSync(folder, { recursive: true }))

async function startTask(path: string = file, signal: AbortSignal = new AbortController().signal): Promise<FileStreamSinkTask> {
  const task = new FileStreamSinkTask()
  // The task asks its context for nothing but the signal.
  await task.start({ file: path }, { signal } as SinkTaskContext)
  return task
}

let kafkaOffset = 0

function record(value: unknown, valueSchema: Schema | null = null): SinkRecord {
  return {
    topic: 'lines',
    kafkaPartition: 0,
    keySchema: null,
    key: null,
    valueSchema,
    value,
    timestamp: null,
    headers: null,
    kafkaOffset: kafkaOffset++,
    timestampType: 'CreateTime',
    originalTopic: 'lines',
    originalKafkaPartition: 0,
    originalKafkaOffset: 0,
  }
}

test('writes values as Java shows them, one per line', async () => {
  const task = await startTask()
  const struct = SchemaBuilder.struct().field('a', Schemas.FLOAT64).field('b', Schemas.OPTIONAL_STRING).build()
  await task.put([
    record('text'),
    record(null),
    record(1.0, Schemas.FLOAT64),
    record({ a: 1, b: 'x' }),
    record({ a: 1, b: null }, struct),
    record([1, 'é', { c: true }]),
    record(12345678901234567890n),
  ])
  await task.flush()
  assert.equal(readFileSync(file, 'utf8'), 'text\nnull\n1.0\n{a=1, b=x}\nStruct{a=1.0}\n[1, é, {c=true}]\n12345678901234567890\n')
  await task.stop()
})

test('has everything in the file after flush, in order, however many batches were put before', async () => {
  const task = await startTask()
  const lines: string[] = []
  for (let batch = 0; batch < 200; batch++) {
    const values = Array.from({ length: 50 }, (_, index) => `batch ${batch} line ${index}`)
    lines.push(...values)
    await task.put(values.map((value) => record(value, Schemas.STRING)))
  }
  await task.flush()
  assert.equal(readFileSync(file, 'utf8'), `${lines.join('\n')}\n`)
  await task.stop()
})

test('appends to what is there, and writes what is left when it is stopped', async () => {
  writeFileSync(file, 'before\n')
  const task = await startTask()
  await task.put([record('after')])
  await task.put([])
  await task.stop()
  assert.equal(readFileSync(file, 'utf8'), 'before\nafter\n')
})

test('refuses a file that cannot be opened, with the original message', async () => {
  const path = join(folder, 'missing', 'output.txt')
  await assert.rejects(startTask(path), { message: `Couldn't find or create file '${path}' for FileStreamSinkTask` })
})

test('fails when a write fails', { skip: process.platform !== 'linux' }, async () => {
  const task = await startTask('/dev/full')
  await task.put([record('lost')])
  await assert.rejects(task.flush(), { message: "Could not write to file '/dev/full'" })
  assert.throws(() => task.put([record('next')]), { message: "Could not write to file '/dev/full'" })
  await task.stop()
})

test('waits for the reader of a FIFO without blocking', { skip: process.platform === 'win32' }, async () => {
  execFileSync('mkfifo', [file])
  const starting = startTask()
  const reader = spawn('cat', [file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const task = await starting
  const big = 'x'.repeat(300_000)
  await task.put([record(big)])
  let output = ''
  reader.stdout.on('data', (chunk) => {
    output += String(chunk)
  })
  const closed = once(reader, 'close')
  await task.flush()
  await task.stop()
  await closed
  assert.equal(output, `${big}\n`)
})

test('gives up on a FIFO without reader when it is stopped', { skip: process.platform === 'win32' }, async () => {
  execFileSync('mkfifo', [file])
  const stopping = new AbortController()
  const starting = startTask(file, stopping.signal)
  stopping.abort()
  await assert.rejects(starting, /Couldn't find or create file/)
})
