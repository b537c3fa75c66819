import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { javaTraceOf } from '../compat/java-trace.ts'
import type { BrokerUnderTest, RunningBroker } from './broker-under-test.ts'
import { type MillraceWorker, type Properties, startWorker } from './millrace-process.ts'

/** File → topic → file in standalone mode, over any broker. Registered once for the embedded broker and once for Apache Kafka. */
export function fileToFileSuite(broker: BrokerUnderTest, options: { readonly skip: string | false } = { skip: false }): void {
  describe(`file to topic to file in standalone mode, ${broker.name}`, { skip: options.skip }, () => {
    let running: RunningBroker
    let brokerFolder = ''
    before(async () => {
      brokerFolder = mkdtempSync(join(tmpdir(), 'millrace-broker-'))
      running = await broker.start({ folder: brokerFolder })
    })
    after(async () => {
      await running?.stop()
      rmSync(brokerFolder, { recursive: true, force: true })
    })

    test('carries every line of a file into another file, in order, and accounts for each', async (t) => {
      const files = new Files(temporaryFolder(t))
      files.append(lines(0, 50_000))
      const worker = await started(t, running, files)
      await untilEqual(worker, files)

      const source = await worker.client.connectorStatus('source')
      const ledger = source.tasks[0]?.millrace?.ledger
      assert.deepEqual(ledger && { read: ledger.read, balanced: ledger.balanced }, { read: 50_000, balanced: true })
      assert.ok(Object.keys(source.tasks[0]?.millrace?.stage_time_ms ?? {}).includes('poll'))
      assert.equal((await worker.stop()).code, 0)
    })

    test('lines with every kind of character, empty lines and all line ends arrive as the original carries them', async (t) => {
      const files = new Files(temporaryFolder(t))
      const texts = ['', ' blanks  ', 'Zürich 東京 🚆', '\ttab', '"quotes" and \\backslashes\\', 'x'.repeat(200_000), '\u0000\u0001', 'end']
      writeFileSync(files.input, `${texts.join('\n')}\r\nwindows\r\nold mac\rlast\n`)
      const worker = await started(t, running, files)
      const expected = `${[...texts, 'windows', 'old mac', 'last'].join('\n')}\n`
      await waitFor(() => files.outputText() === expected, {
        what: 'all lines in the sink file',
        describe: async () => `${JSON.stringify(files.outputText().slice(0, 400))}\n${await worker.describe('source', 'sink')}`,
      })
    })

    test('stopped in the middle and started again, it goes on exactly where it was', async (t) => {
      const files = new Files(temporaryFolder(t))
      files.append(lines(0, 400_000))
      const first = await started(t, running, files)
      await waitFor(() => files.outputBytes() > 100_000, { what: 'the first lines', describe: () => first.describe('source', 'sink') })
      assert.equal((await first.stop()).code, 0, first.process.output)

      const second = await started(t, running, files)
      await untilEqual(second, files)
      files.append(lines(400_000, 10))
      await untilEqual(second, files)
      assert.equal((await second.stop()).code, 0)
      assert.match(readFileSync(join(files.folder, 'worker', 'connect.offsets'), 'latin1'), new RegExp(`"position":${statSync(files.input).size}\\b`))
    })

    test('a paused connector takes nothing, and what came meanwhile arrives after it is resumed', async (t) => {
      const files = new Files(temporaryFolder(t))
      files.append(lines(0, 100))
      const other = new Files(join(files.folder, 'other'))
      const worker = await started(t, running, files, connectorsFor(other, '-beside'))
      await untilEqual(worker, files)

      await worker.client.pauseConnector('source')
      await worker.untilState('source', 'PAUSED')
      files.append(lines(100, 100))
      // The neighbour moves on, and a paused source had the same time to go wrong in.
      other.append(lines(0, 20_000))
      await waitFor(() => other.outputBytes() === other.inputBytes(), {
        what: 'the neighbour',
        describe: () => worker.describe('source-beside', 'sink-beside'),
      })
      assert.equal(files.outputText(), lines(0, 100))

      await worker.client.resumeConnector('source')
      await worker.untilState('source', 'RUNNING')
      await untilEqual(worker, files)
    })

    test('a connector that fails leaves the others alone and says why', async (t) => {
      const files = new Files(temporaryFolder(t))
      files.append(lines(0, 1000))
      const worker = await started(t, running, files, [
        { name: 'broken', 'connector.class': 'FileStreamSink', topics: files.topic, file: join(files.folder, 'missing', 'folder', 'out.txt') },
      ])
      await waitFor(async () => (await worker.client.connectorStatus('broken')).tasks.some((task) => task.state === 'FAILED'), {
        what: 'the broken task to be FAILED',
        describe: () => worker.describe('broken'),
      })
      const broken = await worker.client.connectorStatus('broken')
      assert.match(broken.tasks[0]?.trace ?? '', /^".*missing\/folder\/out\.txt" does not exist \[MR-3301\]\nat connector "broken", task 0, start\nTry: .*\n/)
      assert.match(javaTraceOf(broken.tasks[0]?.trace ?? ''), /^org\.apache\.kafka\.connect\.errors\.ConnectException: .*missing/)
      await untilEqual(worker, files)
      files.append(lines(1000, 1000))
      await untilEqual(worker, files)
    })

    test('connectors come and go over REST, and a new sink reads its topic from the start', async (t) => {
      const files = new Files(temporaryFolder(t))
      files.append(lines(0, 500))
      const worker = await started(t, running, files, [], [])
      for (const { name, ...config } of connectorsFor(files)) await worker.client.putConnectorConfig(name ?? '', { name: name ?? '', ...config })
      await untilEqual(worker, files)
      assert.deepEqual((await worker.client.connectorTopics('source')).source?.topics, [files.topic])

      const again = join(files.folder, 'again.txt')
      await worker.client.putConnectorConfig('late-sink', { 'connector.class': 'FileStreamSink', topics: files.topic, file: again })
      await waitFor(() => readIfThere(again) === lines(0, 500), { what: 'the late sink to have all lines', describe: () => worker.describe('late-sink') })

      for (const name of ['source', 'sink', 'late-sink']) await worker.client.deleteConnector(name)
      await waitFor(async () => (await worker.client.connectors()).length === 0, { what: 'all connectors to be gone' })
    })
  })

  /** Starts a worker with source and sink between these files, and stops it after the test. */
  async function started(
    t: TestContext,
    kafka: RunningBroker,
    files: Files,
    more: readonly Properties[] = [],
    connectors = connectorsFor(files),
  ): Promise<MillraceWorker> {
    const worker = await startWorker({
      folder: join(files.folder, 'worker'),
      bootstrapServers: kafka.bootstrapServers,
      properties: { 'offset.flush.interval.ms': '1000' },
      connectors: [...connectors, ...more],
    })
    // Not killed: the broker would keep the sink's member for another 45 seconds, and the next test waits for the same group.
    t.after(() => worker.stop())
    return worker
  }
}

let topics = 0

/** The files of one test and the topic between them. */
class Files {
  readonly folder: string
  readonly input: string
  readonly output: string
  readonly topic: string

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true })
    this.folder = folder
    this.input = join(folder, 'in.txt')
    this.output = join(folder, 'out.txt')
    this.topic = `lines-${++topics}`
    writeFileSync(this.input, '')
  }

  append(text: string): void {
    appendFileSync(this.input, text)
  }

  inputBytes(): number {
    return statSync(this.input).size
  }

  outputBytes(): number {
    return statSync(this.output, { throwIfNoEntry: false })?.size ?? 0
  }

  outputText(): string {
    return readIfThere(this.output)
  }
}

function connectorsFor(files: Files, suffix = ''): Properties[] {
  return [
    { name: `source${suffix}`, 'connector.class': 'FileStreamSource', file: files.input, topic: files.topic },
    { name: `sink${suffix}`, 'connector.class': 'FileStreamSink', file: files.output, topics: files.topic },
  ]
}

/** Waits for the size alone, and compares the bytes once. */
async function untilEqual(worker: MillraceWorker, files: Files): Promise<void> {
  await waitFor(() => files.outputBytes() >= files.inputBytes(), {
    what: `${files.output} to be as long as ${files.input}`,
    deadlineMs: 60_000,
    describe: async () => `${files.outputBytes()} of ${files.inputBytes()} bytes\n${await worker.describe('source', 'sink')}`,
  })
  assert.ok(readFileSync(files.input).equals(readFileSync(files.output)), `${files.output} is not what ${files.input} is`)
}

/** Numbered lines. */
function lines(from: number, count: number): string {
  return Array.from({ length: count }, (_, index) => `line ${from + index} of a file that is streamed through Kafka\n`).join('')
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Not written yet.
    return ''
  }
}
