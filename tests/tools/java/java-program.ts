import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { classPath, java, whyNoPeer } from '../../servers/peer.ts'

export interface JavaProgramOptions {
  /** Its standard input; default none. */
  readonly input?: string
  /** Milliseconds; default 120000. It is killed then. */
  readonly timeoutMs?: number
}

/**
 * Runs a program of this folder with the classes of the fetched Apache Kafka, from its source: nothing is compiled into a file. Resolves with what it printed.
 *
 * @param name of its class and file, such as `WireVectors`.
 * @throws Error where it cannot run, or ends otherwise than with 0; with what it said.
 */
export async function runJavaProgram(name: string, args: readonly string[] = [], options: JavaProgramOptions = {}): Promise<string> {
  const reason = whyNoPeer()
  if (reason !== null) throw new Error(reason)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const source = join(import.meta.dirname, `${name}.java`)
  const program = spawn(java, ['-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8', '-cp', classPath, source, ...args], {
    timeout: options.timeoutMs ?? 120_000,
    killSignal: 'SIGKILL',
  })
  const printed: Buffer[] = []
  let complaints = ''
  program.stdout.on('data', (chunk: Buffer) => printed.push(chunk))
  program.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  // It may end without reading what it is given.
  program.stdin.on('error', () => undefined)
  program.stdin.end(options.input ?? '')
  program.on('error', reject)
  program.on('close', (code) => {
    if (code === 0) resolve(Buffer.concat(printed).toString())
    else reject(new Error(`${name} ended with exit code ${code ?? 'none, it was killed'}:\n${complaints.slice(-4000)}`))
  })
  return await promise
}
