import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts, type GuardedProcess, type ProcessExit, startGuardedProcess } from '@millrace/testing'
import { brokerClassPath, classPath, java, jvmOptions, type KafkaRelease, kafkaVersion, whyNoPeer } from './peer.ts'

export interface KafkaServerOptions {
  /** Data, configuration and log are written here; it is created. */
  readonly folder: string
  /** Default: a free one. */
  readonly port?: number
  /** Lines of `server.properties`, after ours. */
  readonly properties?: Readonly<Record<string, string>>
  /** Default: `-Xms256M -Xmx512M`, enough for tests. The distribution's own are `-Xms1G -Xmx1G`. */
  readonly heapOptions?: readonly string[]
  /** Default: that which Millrace is compared with. */
  readonly release?: KafkaRelease
  /** Clients are told to come through these ports of loopback, where proxies lead them to the `clientPorts`: each port has its own, for clients of its own. */
  readonly proxyPorts?: readonly number[]
}

/** A real Apache Kafka: one KRaft node, broker and controller, on loopback. It ends with this process at the latest. */
export class KafkaServer {
  readonly host = '127.0.0.1'
  readonly port: number
  /** Where the proxies of `proxyPorts` lead, in their order. */
  readonly clientPorts: readonly number[]
  readonly #process: GuardedProcess

  constructor(process: GuardedProcess, { port, clientPorts }: { readonly port: number; readonly clientPorts: readonly number[] }) {
    this.#process = process
    this.port = port
    this.clientPorts = clientPorts
  }

  /** For `bootstrap.servers`. */
  get bootstrapServers(): string {
    return `${this.host}:${this.port}`
  }

  get pid(): number {
    return this.#process.pid
  }

  stop(): Promise<ProcessExit> {
    return this.#process.stop(30_000)
  }

  killAtOnce(): Promise<ProcessExit> {
    return this.#process.killAtOnce()
  }
}

/** Starts it and resolves when it takes requests. */
export async function startKafkaServer(options: KafkaServerOptions): Promise<KafkaServer> {
  const reason = whyNoPeer(options.release)
  if (reason !== null) throw new Error(reason)
  // A port found free may be taken before the server binds it.
  const attemptsMax = options.port === undefined ? 3 : 1
  for (let attempt = 1; ; attempt++) {
    const [free = 0, controllerPort = 0, ...clientPorts] = await freePorts(2 + (options.proxyPorts ?? []).length)
    const port = options.port ?? free
    const folder = attempt === 1 ? options.folder : `${options.folder}-${attempt}`
    const server = await launch({ ...options, folder }, { port, controllerPort, clientPorts })
    try {
      await server.printed(/Kafka Server started/, 120_000)
      return new KafkaServer(server, { port, clientPorts })
    } catch (error) {
      const { output } = server
      await server.killAtOnce()
      if (attempt === attemptsMax || !/BindException|Address already in use/.test(output)) throw error
    }
  }
}

interface Ports {
  readonly port: number
  readonly controllerPort: number
  readonly clientPorts: readonly number[]
}

async function launch(options: KafkaServerOptions, ports: Ports): Promise<GuardedProcess> {
  const { release = kafkaVersion } = options

  mkdirSync(options.folder, { recursive: true })
  const configuration = join(options.folder, 'server.properties')
  writeFileSync(configuration, serverProperties(options, ports))
  const format = await runKafkaTool('kafka.tools.StorageTool', ['format', '--ignore-formatted', '-t', 'bWlsbHJhY2UtdGVzdHMtMQ', '-c', configuration], {
    release,
  })
  if (format.code !== 0) throw new Error(`The storage could not be formatted:\n${format.output}`)
  return startGuardedProcess({
    command: java,
    args: [
      ...(options.heapOptions ?? ['-Xms256M', '-Xmx512M']),
      ...jvmOptions,
      ...loggingOptions(release),
      '-cp',
      brokerClassPath(release),
      'kafka.Kafka',
      configuration,
    ],
    cwd: options.folder,
    logFile: join(options.folder, 'kafka.log'),
  })
}

/** Releases before 4.0 log through an earlier library. */
function loggingOptions(release: KafkaRelease): string[] {
  const files = ['log4j2.properties', 'log4j-earlier.properties'].map((name) => join(import.meta.dirname, name))
  return [release === kafkaVersion ? `-Dlog4j2.configurationFile=${files[0]}` : `-Dlog4j.configuration=file:${files[1]}`]
}

/** Clients have listeners of their own where they come through proxies: what the broker sends itself does not. */
function proxyProperties({ proxyPorts = [] }: KafkaServerOptions, { port, controllerPort, clientPorts }: Ports): Record<string, string> {
  if (proxyPorts.length === 0) return {}
  const each = (text: (i: number) => string): string => proxyPorts.map((_, i) => text(i)).join(',')
  return {
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort},${each((i) => `CLIENTS${i}://127.0.0.1:${clientPorts[i]}`)}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},${each((i) => `CLIENTS${i}://127.0.0.1:${proxyPorts[i]}`)}`,
    'listener.security.protocol.map': `CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,${each((i) => `CLIENTS${i}:PLAINTEXT`)}`,
  }
}

function serverProperties(options: KafkaServerOptions, ports: Ports): string {
  const { port, controllerPort } = ports
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': join(options.folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // Records of tests may have any timestamp: with the usual seven days, those of 1970 would be deleted half a minute after the start.
    'log.retention.ms': '-1',
    ...proxyProperties(options, ports),
    ...options.properties,
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

export interface ToolResult {
  readonly code: number
  /** What the tool printed to standard output. */
  readonly stdout: string
  /** Standard output and standard error in order. */
  readonly output: string
}

/** Runs a command-line tool of Apache Kafka, such as `org.apache.kafka.tools.TopicCommand`, to its end. */
export function runKafkaTool(
  mainClass: string,
  args: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number; readonly release?: KafkaRelease } = {},
): Promise<ToolResult> {
  const toolClassPath = options.release === undefined ? classPath : brokerClassPath(options.release)
  const log4j = `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2-tools.properties')}`
  return new Promise((resolve, reject) => {
    const tool = spawn(java, ['-Xmx256M', log4j, '-cp', toolClassPath, mainClass, ...args], { timeout: options.timeoutMs ?? 60_000, killSignal: 'SIGKILL' })
    let stdout = ''
    let output = ''
    tool.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      output += text
    })
    tool.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    // It may end without reading what it is given.
    tool.stdin.on('error', () => undefined)
    tool.stdin.end(options.input ?? '')
    tool.on('error', reject)
    tool.on('close', (code) => resolve({ code: code ?? 137, stdout, output }))
  })
}
