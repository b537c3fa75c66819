import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { classPath, java } from '../servers/peer.ts'

export interface ToolOutcome {
  readonly code: number
  readonly stdout: string
  /** Both streams, for messages about failures. */
  readonly output: string
}

const DEADLINE_MS = 120_000

/** Apache Kafka's own command-line tools, unmodified, run one after the other in one virtual machine. It ends with this process at the latest. */
export class KafkaTools {
  readonly #jvm: ChildProcessWithoutNullStreams
  readonly #answers: Interface
  #errors = ''

  constructor() {
    const log = join(import.meta.dirname, '..', 'servers', 'log4j2-tools.properties')
    const args = ['-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${log}`, '-cp', classPath, join(import.meta.dirname, 'java', 'KafkaTools.java')]
    this.#jvm = spawn(java, args)
    this.#jvm.stderr.on('data', (data: Buffer) => (this.#errors = (this.#errors + String(data)).slice(-10_000)))
    this.#answers = createInterface({ input: this.#jvm.stdout })
  }

  /** Runs one to its end. One at a time. @param mainClass such as `org.apache.kafka.tools.TopicCommand`. */
  async run(mainClass: string, args: readonly string[], input = ''): Promise<ToolOutcome> {
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    const answered = once(this.#answers, 'line', { signal: AbortSignal.timeout(DEADLINE_MS) }) as Promise<[string]>
    const ended = once(this.#jvm, 'exit').then(() => Promise.reject(new Error(`The virtual machine of the tools has ended:\n${this.#errors}`)))
    ended.catch(() => undefined)
    this.#jvm.stdin.write(`${base64([mainClass, ...args].join('\0'))} ${base64(input)}\n`)
    let line: string
    try {
      ;[line] = await Promise.race([answered, ended])
    } catch (error) {
      throw new Error(`${mainClass} ${args.join(' ')} did not end:\n${this.#errors}`, { cause: error })
    }
    const [code, stdout = '', stderr = ''] = line.split(' ')
    const text = (part: string) => Buffer.from(part, 'base64').toString()
    return { code: Number(code), stdout: text(stdout), output: `${text(stdout)}${text(stderr)}` }
  }

  async close(): Promise<void> {
    const exited = this.#jvm.exitCode === null && this.#jvm.signalCode === null ? once(this.#jvm, 'exit') : undefined
    this.#jvm.kill('SIGKILL')
    await exited
  }
}
