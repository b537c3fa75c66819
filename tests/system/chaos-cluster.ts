import { startBrokerThread } from '@millrace/broker'
import { silentLogger } from '@millrace/kafka'
import { ConnectClient } from '@millrace/rest-api'
import { FaultProxy, freePorts, waitFor } from '@millrace/testing'
import { startKafkaServer } from '../servers/kafka-server.ts'
import { type MillraceWorker, startWorker } from './millrace-process.ts'

/** Short, so that what is lost is missed within seconds. Milliseconds. */
export const SESSION_TIMEOUT_MS = 2_000
export const REBALANCE_DELAY_MAX_MS = 1_500

/** A broker that each worker reaches through a network of its own where it can have several addresses, and otherwise through one that all share. */
export interface ChaosBroker {
  readonly name: string
  readonly networks: 'shared' | 'own'
  /** @param proxies one for each network; they are given their targets. */
  start(options: { readonly folder: string; readonly proxies: readonly FaultProxy[] }): Promise<{
    /** Around the proxies. */
    readonly bootstrapServers: string
    stop(): Promise<unknown>
  }>
}

const brokerProperties = { 'group.min.session.timeout.ms': String(SESSION_TIMEOUT_MS), 'group.initial.rebalance.delay.ms': '0' }

export const embedded: ChaosBroker = {
  name: 'the embedded broker',
  networks: 'shared',
  async start({ folder, proxies: [proxy] }) {
    const properties = { ...brokerProperties, 'advertised.listeners': `PLAINTEXT://${proxy!.host}:${proxy!.port}` }
    const broker = await startBrokerThread({ port: 0, dataDir: folder, logger: silentLogger, properties })
    proxy!.target = broker
    return { bootstrapServers: `${proxy!.host}:${proxy!.port}`, stop: () => broker.close() }
  },
}

export const apacheKafka: ChaosBroker = {
  name: 'Apache Kafka',
  networks: 'own',
  async start({ folder, proxies }) {
    const kafka = await startKafkaServer({ folder, proxyPorts: proxies.map(({ port }) => port), properties: brokerProperties })
    for (const [i, proxy] of proxies.entries()) proxy.target = { host: kafka.host, port: kafka.clientPorts[i]! }
    return { bootstrapServers: kafka.bootstrapServers, stop: () => kafka.killAtOnce() }
  },
}

/** A distributed worker as a process, that can be killed, frozen and cut off. */
export class ChaosWorker {
  readonly name: string
  /** Between it and Kafka. */
  readonly kafka: FaultProxy
  /** Between other workers and it. */
  readonly rest: FaultProxy
  /** Not through a proxy. */
  readonly client: ConnectClient
  readonly #folder: string
  readonly #url: string
  #process: MillraceWorker | null = null
  #isFrozen = false

  private constructor(name: string, folder: string, port: number, kafka: FaultProxy, rest: FaultProxy) {
    this.name = name
    this.kafka = kafka
    this.rest = rest
    this.#folder = folder
    this.#url = `http://127.0.0.1:${port}`
    this.client = new ConnectClient(this.#url, { requestTimeoutMs: 10_000 })
  }

  static async make(name: string, folder: string, kafka: FaultProxy): Promise<ChaosWorker> {
    const [port = 0] = await freePorts(1)
    const rest = await FaultProxy.listen()
    rest.target = { host: '127.0.0.1', port }
    return new ChaosWorker(name, folder, port, kafka, rest)
  }

  /** As statuses name it. */
  get id(): string {
    return `${this.rest.host}:${this.rest.port}`
  }

  /** Whether somebody could ask it. */
  get isUp(): boolean {
    return this.#process !== null && !this.#process.process.hasExited && !this.#isFrozen
  }

  /** The end of what it printed in this life. */
  get output(): string {
    return this.#process?.process.output ?? ''
  }

  /** How often it has said in this life that it is out of its group. */
  get timesOut(): number {
    return this.output.split(/counts itself out|no longer knows the member/).length - 1
  }

  /** Whether the last that it has said of its group is that it has an assignment. */
  get isMember(): boolean {
    const lastOf = (text: string) => this.output.lastIndexOf(text)
    return lastOf('Rebalance of generation') > Math.max(...['Rebalance of group', 'counts itself out', 'no longer knows the member'].map(lastOf))
  }

  /** Waits until it has said so once more. @returns false where it does not, or ends. */
  async untilOut(before: number): Promise<boolean> {
    const hasSaid = () => this.timesOut > before || this.exitCode !== null
    return await waitFor(hasSaid, { what: 'the worker to be out of its group', deadlineMs: 10_000 }).then(
      () => this.timesOut > before,
      () => false,
    )
  }

  /** Null where it does not run. */
  get exitCode(): number | null {
    return this.#process?.process.exit?.code ?? null
  }

  async start(): Promise<void> {
    this.#process = await startWorker({
      mode: 'distributed',
      folder: this.#folder,
      bootstrapServers: `${this.kafka.host}:${this.kafka.port}`,
      properties: {
        listeners: this.#url,
        'rest.advertised.host.name': this.rest.host,
        'rest.advertised.port': String(this.rest.port),
        'session.timeout.ms': String(SESSION_TIMEOUT_MS),
        'heartbeat.interval.ms': '300',
        'rebalance.timeout.ms': '10000',
        'scheduled.rebalance.max.delay.ms': String(REBALANCE_DELAY_MAX_MS),
        'offset.flush.interval.ms': '300',
        'offset.flush.timeout.ms': '2000',
        'consumer.session.timeout.ms': String(SESSION_TIMEOUT_MS),
        'consumer.heartbeat.interval.ms': '300',
        'task.shutdown.graceful.timeout.ms': '3000',
        'request.timeout.ms': '3000',
        'producer.request.timeout.ms': '3000',
        'consumer.request.timeout.ms': '3000',
        'admin.request.timeout.ms': '3000',
      },
    })
  }

  /** SIGTERM. */
  async stop(): Promise<number> {
    return (await this.#process?.stop())?.code ?? 0
  }

  /** SIGKILL. */
  async killAtOnce(): Promise<void> {
    await this.#process?.killAtOnce()
    this.#isFrozen = false
  }

  /** SIGSTOP. */
  freeze(): void {
    this.#process?.process.kill('SIGSTOP')
    this.#isFrozen = true
  }

  /** SIGCONT. */
  thaw(): void {
    this.#process?.process.kill('SIGCONT')
    this.#isFrozen = false
  }

  async close(): Promise<void> {
    await this.killAtOnce()
    await this.rest.close()
  }
}
