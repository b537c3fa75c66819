import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts, type GuardedProcess, type ProcessExit, startGuardedProcess, waitFor, writeJavaProperties } from '@millrace/testing'
import { classPath, java, jvmOptions, pluginPath, whyNoPeer } from './peer.ts'

export interface JavaConnectOptions {
  readonly mode: 'standalone' | 'distributed'
  /** Properties file, offsets and log are written here; it is created. */
  readonly folder: string
  /** For `bootstrap.servers`. */
  readonly bootstrapServers: string
  /** Keys of the worker's properties, after ours: converters are StringConverter unless named here. */
  readonly properties?: Readonly<Record<string, string>>
  /** Standalone: configurations of connectors to start with. */
  readonly connectors?: readonly Readonly<Record<string, string>>[]
  /** Default: `-Xms256M -Xmx2G`, as the distribution's scripts set. */
  readonly heapOptions?: readonly string[]
}

/** The real Kafka Connect worker on loopback. It ends with this process at the latest. */
export class JavaConnect {
  /** Of its REST API. */
  readonly url: string
  readonly #process: GuardedProcess

  constructor(process: GuardedProcess, url: string) {
    this.#process = process
    this.url = url
  }

  get pid(): number {
    return this.#process.pid
  }

  /** The end of its log. */
  get output(): string {
    return this.#process.output
  }

  stop(): Promise<ProcessExit> {
    return this.#process.stop(60_000)
  }

  killAtOnce(): Promise<ProcessExit> {
    return this.#process.killAtOnce()
  }
}

/** Starts it and resolves when `GET /` is answered with 200. Only the file connectors are on its plugin path, found by service loading: its fastest start. */
export async function startJavaConnect(options: JavaConnectOptions): Promise<JavaConnect> {
  const { worker, url } = await launchJavaConnect(options)
  const connect = new JavaConnect(worker, url)
  try {
    await waitFor(() => worker.hasExited || answers(url), {
      what: `the Java worker at ${url}`,
      deadlineMs: 180_000,
      intervalMs: 50,
      describe: () => worker.output.slice(-4000),
    })
    if (worker.hasExited) throw new Error(`The Java worker ended with exit code ${worker.exit?.code}:\n${worker.output.slice(-4000)}`)
    return connect
  } catch (error) {
    await connect.killAtOnce()
    throw error
  }
}

/** Starts it without waiting, for who measures the start itself. */
export async function launchJavaConnect(options: JavaConnectOptions): Promise<{ worker: GuardedProcess; url: string }> {
  const reason = whyNoPeer()
  if (reason !== null) throw new Error(reason)
  mkdirSync(options.folder, { recursive: true })
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const files = [writeJavaProperties(join(options.folder, 'worker.properties'), workerProperties(options, url))]
  for (const [index, connector] of (options.connectors ?? []).entries())
    files.push(writeJavaProperties(join(options.folder, `connector-${index}.properties`), connector))
  const mainClass = options.mode === 'standalone' ? 'org.apache.kafka.connect.cli.ConnectStandalone' : 'org.apache.kafka.connect.cli.ConnectDistributed'
  const log4j = `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2.properties')}`
  const worker = await startGuardedProcess({
    command: java,
    args: [...(options.heapOptions ?? ['-Xms256M', '-Xmx2G']), ...jvmOptions, log4j, '-cp', classPath, mainClass, ...files],
    cwd: options.folder,
    logFile: join(options.folder, 'connect.log'),
  })
  return { worker, url }
}

function workerProperties(options: JavaConnectOptions, url: string): Record<string, string> {
  const ofMode: Record<string, string> =
    options.mode === 'standalone'
      ? { 'offset.storage.file.filename': join(options.folder, 'connect.offsets') }
      : {
          'group.id': 'connect-cluster',
          'config.storage.topic': 'connect-configs',
          'offset.storage.topic': 'connect-offsets',
          'status.storage.topic': 'connect-status',
          'config.storage.replication.factor': '1',
          'offset.storage.replication.factor': '1',
          'status.storage.replication.factor': '1',
        }
  return {
    'bootstrap.servers': options.bootstrapServers,
    listeners: url,
    'plugin.path': pluginPath,
    'plugin.discovery': 'service_load',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    ...ofMode,
    ...options.properties,
  }
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
  await response.body?.cancel()
  return response.status === 200
}
