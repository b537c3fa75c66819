import { join } from 'node:path'
import { freePorts } from '@millrace/testing'
import { type KafkaServer, startKafkaServer } from './kafka-server.ts'

export interface KafkaClusterOptions {
  readonly folder: string
  /** Default 3. */
  readonly nodes?: number
  /** Lines of `server.properties` of all nodes, after ours. */
  readonly properties?: Readonly<Record<string, string>>
}

/** Several real Apache Kafka nodes on loopback, each broker and controller. They end with this process at the latest. */
export class KafkaCluster {
  readonly #folder: string
  readonly #ports: readonly number[]
  readonly #controllerPorts: readonly number[]
  readonly #more: Readonly<Record<string, string>>
  readonly #running = new Map<number, KafkaServer>()

  constructor(folder: string, ports: readonly number[], controllerPorts: readonly number[], properties: Readonly<Record<string, string>> = {}) {
    this.#folder = folder
    this.#ports = ports
    this.#controllerPorts = controllerPorts
    this.#more = properties
  }

  /** Ids of all nodes, running or not. */
  get ids(): readonly number[] {
    return this.#ports.map((_, i) => i + 1)
  }

  /** For `bootstrap.servers`. */
  get bootstrapServers(): string {
    return this.#ports.map((port) => `127.0.0.1:${port}`).join(',')
  }

  /** Starts a node, for the first time or again with what it had; resolves when it takes requests. */
  async start(id: number): Promise<void> {
    const port = this.#ports[id - 1]!
    const server = await startKafkaServer({
      folder: join(this.#folder, `node-${id}`),
      port,
      properties: this.#properties(id, port),
      heapOptions: ['-Xms128M', '-Xmx384M'],
    })
    this.#running.set(id, server)
  }

  /** Asks the node to stop: it hands its leaderships over first. */
  async stop(id: number): Promise<void> {
    await this.#running.get(id)?.stop()
    this.#running.delete(id)
  }

  /** SIGKILL. */
  async killAtOnce(id: number): Promise<void> {
    await this.#running.get(id)?.killAtOnce()
    this.#running.delete(id)
  }

  /** SIGSTOP: the node answers nothing any more, and its connections stay. */
  freeze(id: number): void {
    process.kill(this.#running.get(id)!.pid, 'SIGSTOP')
  }

  /** SIGCONT. */
  thaw(id: number): void {
    process.kill(this.#running.get(id)!.pid, 'SIGCONT')
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.values()].map((server) => server.killAtOnce()))
    this.#running.clear()
  }

  #properties(id: number, port: number): Record<string, string> {
    return {
      'node.id': String(id),
      'controller.quorum.voters': this.#controllerPorts.map((controllerPort, i) => `${i + 1}@127.0.0.1:${controllerPort}`).join(','),
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${this.#controllerPorts[id - 1]}`,
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
      'offsets.topic.replication.factor': '3',
      'offsets.topic.num.partitions': '3',
      'transaction.state.log.replication.factor': '3',
      'transaction.state.log.min.isr': '2',
      'transaction.state.log.num.partitions': '3',
      // A killed broker is missed sooner than after the usual nine seconds.
      'broker.session.timeout.ms': '3000',
      'broker.heartbeat.interval.ms': '500',
      'broker.rack': `rack-${id}`,
      ...this.#more,
    }
  }
}

/** Starts all nodes at once; resolves when all take requests. */
export async function startKafkaCluster({ folder, nodes = 3, properties }: KafkaClusterOptions): Promise<KafkaCluster> {
  const ports = await freePorts(nodes * 2)
  const cluster = new KafkaCluster(folder, ports.slice(0, nodes), ports.slice(nodes), properties)
  try {
    await Promise.all(cluster.ids.map((id) => cluster.start(id)))
    return cluster
  } catch (error) {
    await cluster.close()
    throw error
  }
}
