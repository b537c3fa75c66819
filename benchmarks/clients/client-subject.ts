import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type GuardedProcess, startGuardedProcess } from '@millrace/testing'
import { classPath, java, jvmOptions } from '../../tests/servers/peer.ts'
import { processUsage } from '../process-usage.ts'
import type { ClientScenario } from './client-scenario.ts'

/** What a repetition took. */
export interface Effort {
  readonly seconds: number
  readonly cpuSeconds: number
  /** The most that was resident since the process began. Bytes. */
  readonly rssPeakBytes: number
}

export type SubjectCommand = 'produce' | 'consume' | 'compress' | 'decompress'

/** A process that stands for one client and keeps it from one repetition to the next. */
export class ClientSubject {
  readonly #process: GuardedProcess
  readonly #socket: Socket
  readonly #answers: AsyncIterator<string>

  constructor(process: GuardedProcess, socket: Socket) {
    this.#process = process
    this.#socket = socket
    this.#answers = createInterface({ input: socket })[Symbol.asyncIterator]()
  }

  /** @throws Error with what the process printed, where it ends instead. */
  async run(command: SubjectCommand, records: number): Promise<Effort> {
    const { pid } = this.#process
    const before = processUsage(pid).cpuSeconds
    const from = performance.now()
    this.#socket.write(`${command} ${records}\n`)
    const { done } = await this.#answers.next()
    const seconds = (performance.now() - from) / 1000
    if (done) throw new Error(`The client ended:\n${this.#process.output.slice(-3000)}`)
    const { cpuSeconds, rssPeakBytes } = processUsage(pid)
    return { seconds, cpuSeconds: cpuSeconds - before, rssPeakBytes }
  }

  async stop(): Promise<void> {
    this.#socket.destroy()
    await this.#process.stop()
  }
}

/** One of the clients that are compared. */
export interface ClientSide {
  readonly name: string
  start(scenario: ClientScenario, folder: string): Promise<ClientSubject>
}

export const millraceClient: ClientSide = {
  name: 'Millrace',
  start: (scenario, folder) => startSubject(process.execPath, [join(import.meta.dirname, 'millrace-subject.ts')], scenario, folder),
}

/** With the heap that the distribution's scripts give to its clients. */
export function javaClient(classes: string): ClientSide {
  const options = ['-Xmx512M', ...jvmOptions, `-Dlog4j2.configurationFile=${join(import.meta.dirname, '../../tests/servers/log4j2-tools.properties')}`]
  return {
    name: 'Java client',
    start: (scenario, folder) => startSubject(java, [...options, '-cp', `${classes}:${classPath}`, 'ClientSubject'], scenario, folder),
  }
}

/** Compiles the Java side into a folder, and returns that. */
export function compileJavaSubject(folder: string): string {
  const classes = join(folder, 'classes')
  mkdirSync(classes, { recursive: true })
  execFileSync(java.replace(/java$/, 'javac'), ['-cp', classPath, '-d', classes, join(import.meta.dirname, 'ClientSubject.java')])
  return classes
}

async function startSubject(command: string, args: readonly string[], scenario: ClientScenario, folder: string): Promise<ClientSubject> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  const subject = await startGuardedProcess({ command, args: [...args, String(port), JSON.stringify(scenario)], cwd: folder })
  try {
    return new ClientSubject(subject, await connectionOf(server, subject))
  } catch (error) {
    await subject.killAtOnce()
    throw error
  } finally {
    server.close()
  }
}

async function connectionOf(server: Server, subject: GuardedProcess): Promise<Socket> {
  const ended = subject.exited.then(() => null)
  const connected = once(server, 'connection').then(([socket]) => socket as Socket)
  const socket = await Promise.race([connected, ended])
  if (socket === null) throw new Error(`The client ended:\n${subject.output.slice(-3000)}`)
  return socket
}
