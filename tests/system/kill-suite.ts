import assert from 'node:assert/strict'
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { randomBySeed, temporaryFolder, waitFor } from '@millrace/testing'
import type { BrokerUnderTest, RunningBroker } from './broker-under-test.ts'
import { type MillraceWorker, startWorker } from './millrace-process.ts'
import { committedOffset, topicValues } from './topic.ts'

type Victim = 'worker' | 'broker' | 'both'

export interface KillSuiteOptions {
  readonly rounds: number
  readonly victims: readonly Victim[]
  readonly skip?: string | false
}

const topic = 'streamed'

/** One worker's life, from its start to its end. */
interface Life {
  /** Where the source file was to be read from, by the offset file. Bytes. */
  readonly sourcePosition: number
  /** Where the topic was to be read from, by the group's commits. */
  readonly sinkOffset: number
  /** How long the sink's file was. Bytes. */
  readonly outputBytes: number
  /** Where the group stood just before each death of the broker in this life. */
  readonly brokerDeaths: number[]
}

/**
 * Streams a file that grows, kills worker and broker at random moments, and then accounts for every line:
 * the topic continues after each death exactly at the offset that was committed, the sink's file too, and nothing is missing in either.
 */
export function killSuite(broker: BrokerUnderTest, options: KillSuiteOptions): void {
  describe(`killed at random moments, ${broker.name}`, { skip: options.skip }, () => {
    const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
    test(`in ${options.rounds} rounds of kill -9 no line is lost, and none is repeated from before the last committed offset (MILLRACE_SEED=${seed})`, async (t) => {
      const random = randomBySeed(seed)
      const folder = temporaryFolder(t)
      const scene = await Scene.start(folder, broker)
      t.after(() => scene.end())
      for (let round = 1; round <= options.rounds; round++) {
        const victim = options.victims[Math.floor(random() * options.victims.length)] ?? 'worker'
        await scene.untilMoreArrives()
        await delay(random() * 600)
        await scene.kill(victim)
        t.diagnostic(`round ${round}: killed ${victim}; ${scene.summary()}`)
      }
      await scene.untilAllArrived()
      await scene.verify()
    })
  })
}

class Scene {
  readonly #folder: string
  readonly #broker: BrokerUnderTest
  readonly #input: string
  readonly #output: string
  readonly #lives: Life[] = []
  readonly #port: number
  #running: RunningBroker
  #worker!: MillraceWorker
  #lines = 0
  #feeder: NodeJS.Timeout | undefined

  static async start(folder: string, broker: BrokerUnderTest): Promise<Scene> {
    const scene = new Scene(folder, broker, await broker.start({ folder: join(folder, 'broker') }))
    scene.#feed()
    scene.#feeder = setInterval(() => scene.#feed(), 10)
    await scene.#startWorker()
    return scene
  }

  private constructor(folder: string, broker: BrokerUnderTest, running: RunningBroker) {
    this.#folder = folder
    this.#broker = broker
    this.#running = running
    this.#port = Number(running.bootstrapServers.split(':')[1])
    this.#input = join(folder, 'in.txt')
    this.#output = join(folder, 'out.txt')
    writeFileSync(this.#input, '')
  }

  async end(): Promise<void> {
    clearInterval(this.#feeder)
    await this.#worker?.killAtOnce()
    await this.#running.killAtOnce()
  }

  /** Some 30,000 lines per second. */
  #feed(): void {
    appendFileSync(this.#input, Array.from({ length: 300 }, () => `${lineOf(this.#lines++)}\n`).join(''))
  }

  async #startWorker(): Promise<void> {
    const { bootstrapServers } = this.#running
    this.#lives.push({
      sourcePosition: this.#committedPosition(),
      sinkOffset: await committedOffset(bootstrapServers, 'connect-sink', topic),
      outputBytes: this.#outputBytes(),
      brokerDeaths: [],
    })
    this.#worker = await startWorker({
      folder: join(this.#folder, 'worker'),
      bootstrapServers,
      properties: {
        'offset.flush.interval.ms': '200',
        // A killed member is given up after this time; the default of 45 seconds only makes the rounds longer.
        'consumer.session.timeout.ms': '6000',
        'consumer.heartbeat.interval.ms': '1000',
      },
      connectors: [
        { name: 'source', 'connector.class': 'FileStreamSource', file: this.#input, topic },
        { name: 'sink', 'connector.class': 'FileStreamSink', file: this.#output, topics: topic },
      ],
    })
  }

  async kill(victim: Victim): Promise<void> {
    if (victim !== 'broker') await this.#worker.killAtOnce()
    if (victim !== 'worker') {
      if (victim === 'broker') this.#lives.at(-1)?.brokerDeaths.push(await committedOffset(this.#running.bootstrapServers, 'connect-sink', topic))
      await this.#running.killAtOnce()
      this.#running = await this.#broker.start({ folder: join(this.#folder, 'broker'), port: this.#port })
    }
    if (victim !== 'broker') await this.#startWorker()
  }

  async untilMoreArrives(): Promise<void> {
    const before = this.#outputBytes()
    await waitFor(() => this.#outputBytes() > before, {
      what: 'more lines in the sink file',
      deadlineMs: 60_000,
      describe: () => this.#worker.describe('source', 'sink'),
    })
  }

  async untilAllArrived(): Promise<void> {
    clearInterval(this.#feeder)
    const last = `${lineOf(this.#lines - 1)}\n`
    await waitFor(() => endOf(this.#output, last.length) === last, {
      what: `line ${this.#lines - 1} at the end of the sink file`,
      deadlineMs: 90_000,
      describe: () => this.#worker.describe('source', 'sink'),
    })
    assert.equal((await this.#worker.stop()).code, 0, this.#worker.process.output)
    assert.equal(this.#committedPosition(), statSync(this.#input).size, 'the source has committed the end of the file')
  }

  summary(): string {
    return `${this.#lines} lines so far, ${this.#outputBytes()} bytes in the sink file`
  }

  async verify(): Promise<void> {
    const values = await topicValues(this.#running.bootstrapServers, topic)
    const numbers = values.map(numberOf)
    this.#verifyTopic(numbers)
    const committed = await committedOffset(this.#running.bootstrapServers, 'connect-sink', topic)
    assert.equal(committed, numbers.length, 'the sink has committed the end of the topic')
    this.#verifyOutput(values)
  }

  /** Each life continues at the line that its committed position names, and goes on line by line. */
  #verifyTopic(numbers: readonly number[]): void {
    const restarts = this.#lives.slice(1).map((life) => lineAt(this.#input, life.sourcePosition))
    let expected = 0
    for (const [offset, number] of numbers.entries()) {
      if (number !== expected) {
        // Lives that produced nothing are passed over.
        while (restarts.length > 0 && restarts[0] !== number) restarts.shift()
        assert.ok(restarts.length > 0, `offset ${offset} of the topic has line ${number} where ${expected} was expected, and no life began there`)
      }
      expected = number + 1
    }
    assert.equal(expected, this.#lines, 'the topic ends with the last line')
  }

  /** What a life wrote are the records from its committed offset on, cut off anywhere; what the next one starts from was written. */
  #verifyOutput(values: readonly string[]): void {
    const output = readFileSync(this.#output)
    for (const [index, life] of this.#lives.entries()) {
      const next = this.#lives[index + 1]
      const written = output.subarray(life.outputBytes, next?.outputBytes).toString()
      const end = followRecords(written, values, life, `life ${index}`)
      assert.ok(end >= (next?.sinkOffset ?? values.length), `life ${index} wrote up to offset ${end}, but ${next?.sinkOffset ?? values.length} was committed`)
    }
  }

  #committedPosition(): number {
    const file = join(this.#folder, 'worker', 'connect.offsets')
    if (!existsSync(file)) return 0
    return Number(/"position":(\d+)/.exec(readFileSync(file, 'latin1'))?.[1] ?? 0)
  }

  #outputBytes(): number {
    return statSync(this.#output, { throwIfNoEntry: false })?.size ?? 0
  }
}

/**
 * Follows a life's text along the records, and returns the offset after the last whole one. After a death of the broker the sink may have gone back, but not
 * before what was committed then. Where the same line is in the topic twice, both places are followed.
 */
function followRecords(text: string, values: readonly string[], life: Life, what: string): number {
  const lines = text.split('\n')
  const cut = lines.pop() ?? ''
  const goBacks = [...life.brokerDeaths]
  let places = new Set([life.sinkOffset])
  for (const [index, line] of lines.entries()) {
    let following = [...places].filter((place) => values[place] === line)
    if (following.length === 0) {
      const reached = Math.max(...places)
      while (goBacks.length > 0 && following.length === 0) {
        const from = goBacks.shift() ?? 0
        following = offsetsOf(values, line, from, reached)
      }
      assert.ok(
        following.length > 0,
        `line ${index} of ${what} is ${JSON.stringify(line.slice(0, 80))}, after offset ${reached - 1}; committed before were ${[life.sinkOffset, ...life.brokerDeaths]}`,
      )
    }
    places = new Set(following.map((place) => place + 1))
  }
  const reached = Math.max(...places)
  if (cut !== '')
    assert.ok(
      [...places].some((place) => values[place]?.startsWith(cut)),
      `${what} ends with ${JSON.stringify(cut)}, which does not begin a record at offset ${reached}`,
    )
  return reached
}

function offsetsOf(values: readonly string[], line: string, from: number, to: number): number[] {
  const found: number[] = []
  for (let offset = from; offset < to; offset++) if (values[offset] === line) found.push(offset)
  return found
}

/** All lines are of the same length, so that a position names a line. */
function lineOf(number: number): string {
  return `${String(number).padStart(9, '0')} of a file that grows while it is streamed`
}

const lineBytes = lineOf(0).length + 1

function numberOf(line: string): number {
  const number = Number(line.slice(0, 9))
  assert.equal(line, lineOf(number))
  return number
}

function lineAt(file: string, position: number): number {
  assert.equal(position % lineBytes, 0, `${file} has no line at position ${position}`)
  return position / lineBytes
}

function endOf(file: string, bytes: number): string {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size < bytes) return ''
  const end = Buffer.alloc(bytes)
  const descriptor = openSync(file, 'r')
  try {
    readSync(descriptor, end, 0, bytes, size - bytes)
  } finally {
    closeSync(descriptor)
  }
  return end.toString()
}
