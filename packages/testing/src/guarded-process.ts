import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { waitFor } from './wait-for.ts'

export interface GuardedProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  /** On top of this process's own environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Where to write what the process prints, standard output and error together. Without it the last 256 KiB are kept in memory only. */
  readonly logFile?: string
}

export interface ProcessExit {
  /** Exit code; 128 plus the signal's number where a signal ended it. */
  readonly code: number
}

/**
 * A program that never outlives this process, however this process ends, SIGKILL included: a small shell between the two waits for the
 * end of its standard input, which the operating system closes with us, and then kills the program.
 */
export class GuardedProcess {
  /** Of the program itself, not of the shell around it. */
  readonly pid: number
  readonly exited: Promise<ProcessExit>
  readonly #shell: ChildProcess
  readonly #output: () => string
  #exit: ProcessExit | null = null

  constructor(shell: ChildProcess, pid: number, output: () => string, exited: Promise<ProcessExit>) {
    this.#shell = shell
    this.pid = pid
    this.#output = output
    this.exited = exited.then((exit) => {
      this.#exit = exit
      return exit
    })
  }

  /** The end of what the program printed so far. */
  get output(): string {
    return this.#output()
  }

  get hasExited(): boolean {
    return this.#exit !== null
  }

  /** Null while it runs. */
  get exit(): ProcessExit | null {
    return this.#exit
  }

  /** Does nothing where the program has ended. */
  kill(signal: NodeJS.Signals): void {
    if (this.hasExited) return
    try {
      process.kill(this.pid, signal)
    } catch {
      // Ended in between; `exited` tells.
    }
  }

  /** Asks with SIGTERM, and kills after `graceMs` (default 15000). Resolves when the program is gone. */
  async stop(graceMs = 15_000): Promise<ProcessExit> {
    this.kill('SIGTERM')
    const killer = setTimeout(() => this.kill('SIGKILL'), graceMs)
    try {
      return await this.exited
    } finally {
      clearTimeout(killer)
      this.#shell.stdin?.destroy()
    }
  }

  async killAtOnce(): Promise<ProcessExit> {
    this.kill('SIGKILL')
    const exit = await this.exited
    this.#shell.stdin?.destroy()
    return exit
  }

  /** Waits until the output matches, and resolves with the match. Rejects as soon as the program ends without it. */
  async printed(pattern: RegExp, deadlineMs = 60_000): Promise<RegExpExecArray> {
    let hasEnded = false
    const match = await waitFor(
      () => {
        // Looked at before the output, which cannot grow afterwards.
        hasEnded = this.hasExited
        return pattern.exec(this.output) ?? (hasEnded ? 'ended' : null)
      },
      { what: `${pattern} in the output`, deadlineMs, describe: () => this.output },
    )
    if (match === 'ended') throw new Error(`The process ended with exit code ${this.exit?.code} before it printed ${pattern}. Its output:\n${this.output}`)
    return match
  }
}

// 4: our pipe, which ends with us. The read returns at its end, never before: nothing is written to it.
const guard = `
exec 4<&0
"$@" 4<&- 3>&- </dev/null &
program=$!
echo "$program" >&3
exec 3>&-
(read -r _ <&4; kill -KILL "$program") >/dev/null 2>&1 &
guard=$!
exec 4<&-
wait "$program"
code=$?
kill -KILL "$guard" 2>/dev/null
exit "$code"
`

/** How long the output of a program that has ended may still come in. */
const drainMs = 1000
const outputCharactersMax = 256 * 1024

/** Starts a program that ends with this process at the latest. Rejects where the program cannot be found. */
export async function startGuardedProcess(options: GuardedProcessOptions): Promise<GuardedProcess> {
  const shell = spawn('/bin/sh', ['-c', guard, options.command, options.command, ...options.args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    // A terminal's Ctrl-C goes to us; what we started is ended by us.
    detached: true,
  })
  const output = collectOutput(shell, options.logFile)
  const exited = new Promise<ProcessExit>((resolve, reject) => {
    shell.on('error', reject)
    shell.on('exit', (code, signal) => {
      const exit = { code: code ?? (signal === 'SIGKILL' ? 137 : 143) }
      shell.on('close', () => resolve(exit))
      // A program may leave another behind that holds its output open.
      setTimeout(() => {
        shell.stdout?.destroy()
        shell.stderr?.destroy()
        resolve(exit)
      }, drainMs).unref()
    })
  })
  // Rejected only where the shell itself cannot start, which `pidOf` reports as well.
  exited.catch(() => undefined)
  shell.stdin?.on('error', () => undefined)
  const pid = await pidOf(shell, exited)
  return new GuardedProcess(shell, pid, output, exited)
}

function collectOutput(shell: ChildProcess, logFile: string | undefined): () => string {
  const log = logFile === undefined ? null : createWriteStream(logFile, { flags: 'a' })
  let text = ''
  for (const stream of [shell.stdout, shell.stderr]) {
    const decoder = new StringDecoder('utf8')
    stream?.on('data', (chunk: Buffer) => {
      text = (text + decoder.write(chunk)).slice(-outputCharactersMax)
      log?.write(chunk)
    })
  }
  shell.on('close', () => log?.end())
  return () => text
}

function pidOf(shell: ChildProcess, exited: Promise<ProcessExit>): Promise<number> {
  const announcement = shell.stdio[3] as NodeJS.ReadableStream
  return new Promise((resolve, reject) => {
    let text = ''
    announcement.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.endsWith('\n')) resolve(Number(text))
    })
    exited.then((exit) => reject(new Error(`The shell ended with exit code ${exit.code} before the program started`)), reject)
  })
}
