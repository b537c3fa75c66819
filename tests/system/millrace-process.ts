import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConnectClient } from '@millrace/rest-api'
import { freePorts, type GuardedProcess, type ProcessExit, startGuardedProcess, waitFor, writeJavaProperties } from '@millrace/testing'

/** How the command `millrace` is started: from the sources, or packed and installed somewhere. */
export interface Program {
  readonly command: string
  /** Before the command's own arguments. */
  readonly args: readonly string[]
}

export type Properties = Readonly<Record<string, string>>

const cliFolder = join(import.meta.dirname, '..', '..', 'packages', 'cli')

/** The command from the repository's sources, on the Node that runs the test. */
export function fromSources(): Program {
  const manifest = JSON.parse(readFileSync(join(cliFolder, 'package.json'), 'utf8')) as { bin: { millrace: string } }
  return { command: process.execPath, args: [join(cliFolder, manifest.bin.millrace)] }
}

/** Runs the command to its end. */
export async function runMillrace(
  args: readonly string[],
  options: { readonly cwd?: string; readonly program?: Program } = {},
): Promise<{ code: number; output: string }> {
  const program = options.program ?? fromSources()
  const run = await startGuardedProcess({ command: program.command, args: [...program.args, ...args], cwd: options.cwd })
  const timer = setTimeout(() => run.kill('SIGKILL'), 60_000)
  const { code } = await run.exited
  clearTimeout(timer)
  return { code, output: run.output }
}

export interface WorkerOptions {
  /** Default: standalone. */
  readonly mode?: 'standalone' | 'distributed'
  /** Properties files, offsets and log are written here, and the worker runs in it; it is created. */
  readonly folder: string
  /** For `bootstrap.servers`; `embedded` starts the broker inside the worker. */
  readonly bootstrapServers: string
  /** Keys of the worker's properties, after ours: converters are StringConverter unless named here. */
  readonly properties?: Properties
  /** Configurations of connectors to start with, each in a file of its own. */
  readonly connectors?: readonly Properties[]
  readonly program?: Program
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** A worker as a process of its own. It ends with this process at the latest. */
export class MillraceWorker {
  readonly url: string
  readonly client: ConnectClient
  readonly process: GuardedProcess

  constructor(process: GuardedProcess, url: string) {
    this.process = process
    this.url = url
    this.client = new ConnectClient(url, { requestTimeoutMs: 30_000 })
  }

  /** SIGTERM, and SIGKILL after a minute. A clean stop has exit code 0. */
  stop(): Promise<ProcessExit> {
    return this.process.stop(60_000)
  }

  killAtOnce(): Promise<ProcessExit> {
    return this.process.killAtOnce()
  }

  /** Waits until connector and tasks have the state. */
  async untilState(connector: string, state: 'RUNNING' | 'PAUSED' | 'FAILED'): Promise<void> {
    await waitFor(
      async () => {
        const status = await this.client.connectorStatus(connector)
        return status.connector.state === state && status.tasks.length > 0 && status.tasks.every((task) => task.state === state)
      },
      { what: `"${connector}" to be ${state}`, describe: () => this.describe(connector) },
    )
  }

  /** What there is to say when a wait ends in vain. */
  async describe(...connectors: readonly string[]): Promise<string> {
    const log = `Log (end):\n${this.process.output.slice(-4000)}`
    if (this.process.hasExited) return `The worker has ended with exit code ${this.process.exit?.code}.\n${log}`
    const statuses = await Promise.allSettled(connectors.map((name) => this.client.connectorStatus(name)))
    return `${JSON.stringify(
      statuses.map((status) => (status.status === 'fulfilled' ? status.value : String(status.reason))),
      null,
      2,
    )}\n${log}`
  }
}

/** Starts a worker and resolves when its REST API answers and the connectors of its files are created. */
export async function startWorker(options: WorkerOptions): Promise<MillraceWorker> {
  const worker = await launchWorker(options)
  try {
    await waitFor(async () => worker.process.hasExited || (await hasConnectors(worker, options.connectors ?? [])), {
      what: `the worker at ${worker.url}`,
      deadlineMs: 60_000,
      describe: () => worker.process.output,
    })
    if (worker.process.hasExited) throw new Error(`The worker ended with exit code ${worker.process.exit?.code}:\n${worker.process.output}`)
    return worker
  } catch (error) {
    await worker.killAtOnce()
    throw error
  }
}

async function hasConnectors(worker: MillraceWorker, connectors: readonly Properties[]): Promise<boolean> {
  const created = await worker.client.connectors()
  return connectors.every(({ name = '' }) => created.includes(name))
}

/** Starts a worker without waiting for its REST API. */
export async function launchWorker(options: WorkerOptions): Promise<MillraceWorker> {
  mkdirSync(options.folder, { recursive: true })
  const program = options.program ?? fromSources()
  const url = options.properties?.listeners ?? `http://127.0.0.1:${(await freePorts(1))[0]}`
  const files = [
    writeJavaProperties(join(options.folder, 'worker.properties'), workerProperties(options, url)),
    ...(options.connectors ?? []).map((connector) => writeJavaProperties(join(options.folder, `${connector.name}.properties`), connector)),
  ]
  const started = await startGuardedProcess({
    command: program.command,
    args: [...program.args, options.mode ?? 'standalone', ...files],
    cwd: options.folder,
    env: options.env,
    logFile: join(options.folder, 'millrace.log'),
  })
  return new MillraceWorker(started, url)
}

function workerProperties(options: WorkerOptions, url: string): Properties {
  const ofMode: Properties =
    options.mode === 'distributed'
      ? {
          'group.id': 'connect-cluster',
          'config.storage.topic': 'connect-configs',
          'offset.storage.topic': 'connect-offsets',
          'status.storage.topic': 'connect-status',
          'config.storage.replication.factor': '1',
          'offset.storage.replication.factor': '1',
          'status.storage.replication.factor': '1',
        }
      : { 'offset.storage.file.filename': join(options.folder, 'connect.offsets') }
  return {
    'bootstrap.servers': options.bootstrapServers,
    listeners: url,
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    ...ofMode,
    ...options.properties,
  }
}
