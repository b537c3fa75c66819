import assert from 'node:assert/strict'
import { appendFileSync, closeSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { topicValues } from './topic.ts'

/** A file whose lines a source carries into a topic, and a sink from there into another file. */
export class LineStream {
  readonly name: string
  readonly input: string
  readonly output: string
  readonly topic: string
  #lines = 0

  constructor(folder: string, name: string) {
    this.name = name
    this.input = join(folder, `${name}.in`)
    this.output = join(folder, `${name}.out`)
    this.topic = `lines-${name}`
    writeFileSync(this.input, '')
  }

  get lines(): number {
    return this.#lines
  }

  get source(): { readonly name: string; readonly config: Readonly<Record<string, string>> } {
    return { name: `source-${this.name}`, config: { 'connector.class': 'FileStreamSource', 'tasks.max': '1', file: this.input, topic: this.topic } }
  }

  get sink(): { readonly name: string; readonly config: Readonly<Record<string, string>> } {
    return { name: `sink-${this.name}`, config: { 'connector.class': 'FileStreamSink', 'tasks.max': '1', file: this.output, topics: this.topic } }
  }

  feed(count: number): void {
    appendFileSync(this.input, Array.from({ length: count }, () => `line ${this.#lines++} of ${this.name}\n`).join(''))
  }

  hasArrived(): boolean {
    return (statSync(this.output, { throwIfNoEntry: false })?.size ?? 0) >= statSync(this.input).size
  }

  /** The number of a line; null for what is none. A line that a worker's end has cut off may stand before another one. */
  numberOf(text: string): number | null {
    const [, number, name] = /line (\d+) of (\w+)$/.exec(text) ?? []
    return number === undefined || name !== this.name ? null : Number(number)
  }

  /** Whether the last line is at the end of the output. */
  endsWithLastLine(): boolean {
    const last = `line ${this.#lines - 1} of ${this.name}\n`
    const { size = 0 } = statSync(this.output, { throwIfNoEntry: false }) ?? {}
    if (size < last.length) return false
    const file = openSync(this.output, 'r')
    try {
      const end = Buffer.alloc(last.length)
      readSync(file, end, 0, last.length, size - last.length)
      return end.toString() === last
    } finally {
      closeSync(file)
    }
  }

  outputBytes(): number {
    return statSync(this.output, { throwIfNoEntry: false })?.size ?? 0
  }

  outputLines(): number {
    return readFileSync(this.output, 'utf8').split('\n').length - 1
  }

  /** Each line once and in its place, in the topic and in the file. */
  async assertExact(bootstrapServers: string): Promise<void> {
    const input = readFileSync(this.input, 'utf8')
    assertSameLines(`${(await topicValues(bootstrapServers, this.topic)).join('\n')}\n`, input, `topic ${this.topic}`)
    assertSameLines(readFileSync(this.output, 'utf8'), input, this.output)
  }
}

/** Names the first line that differs, instead of showing megabytes. */
function assertSameLines(actual: string, expected: string, what: string): void {
  if (actual === expected) return
  const [found, wanted] = [actual.split('\n'), expected.split('\n')]
  const at = wanted.findIndex((line, i) => line !== found[i])
  const where = at < 0 ? wanted.length : at
  assert.fail(
    `${what}: ${found.length - 1} lines instead of ${wanted.length - 1}; line ${where} is ${JSON.stringify(found[where])} instead of ${JSON.stringify(wanted[where])}`,
  )
}
