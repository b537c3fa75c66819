import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Admin, Consumer, type Logger, Producer, silentLogger } from '@millrace/kafka'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { type KafkaCluster, startKafkaCluster } from '../servers/kafka-cluster.ts'
import { runKafkaTool } from '../servers/kafka-server.ts'
import { skipWithoutPeer } from '../servers/peer.ts'

type Properties = Readonly<Record<string, string>>

/** Numbers to send, and what is done to the cluster meanwhile. */
export interface NumbersSent {
  readonly topic: string
  readonly count: number
  /** Further properties of the producer. */
  readonly producer?: Properties
  /** So many go into one transaction; default: none. */
  readonly perTransaction?: number
  /** Done once a part has been sent; sending goes on until it is over, and beyond. */
  act(): Promise<void>
}

const DEADLINE_MS = 90_000

/** Three brokers of Apache Kafka, and a stream of numbers through them, each of which has to be there once and in order. */
export class ThreeBrokers {
  readonly cluster: KafkaCluster

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster
  }

  at(properties: Properties = {}): Properties {
    return { 'bootstrap.servers': this.cluster.bootstrapServers, ...properties }
  }

  async withAdmin<T>(action: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new Admin(this.at(), { logger: silentLogger })
    try {
      return await action(admin)
    } finally {
      await admin.close()
    }
  }

  /** A topic with one partition on all three, in sync. */
  async newTopic(name: string): Promise<string> {
    const [result] = await this.withAdmin((admin) => admin.createTopics([{ name, partitions: 1, replicationFactor: 3 }]))
    assert.equal(result?.error, null)
    await this.inSync(name)
    return name
  }

  async leader(topic: string, partition = 0): Promise<number> {
    const [described] = await this.withAdmin((admin) => admin.describeTopics([topic]))
    return described?.partitions[partition]?.leader ?? -1
  }

  async inSync(topic: string): Promise<void> {
    const describeTopic = async () => (await this.withAdmin((admin) => admin.describeTopics([topic])))[0]
    await waitFor(async () => (await describeTopic())?.partitions.every(({ inSyncReplicas, leader }) => leader > 0 && inSyncReplicas.length === 3), {
      what: `all replicas of ${topic} to be in sync`,
      deadlineMs: DEADLINE_MS,
      intervalMs: 200,
      describe: describeTopic,
    })
  }

  /** The broker that coordinates a group (`__consumer_offsets`) or a transactional id (`__transaction_state`). */
  async coordinator(topic: '__consumer_offsets' | '__transaction_state', key: string): Promise<number> {
    // Of three partitions, by the hash code of Java's strings.
    let hash = 0
    for (const unit of key) hash = (Math.imul(31, hash) + unit.charCodeAt(0)) | 0
    const partition = (hash & 0x7fff_ffff) % 3
    // The topic comes with its first use.
    const found = async () => {
      const leader = await this.leader(topic, partition)
      return leader > 0 && leader
    }
    return await waitFor(found, { what: `a leader of ${topic}`, deadlineMs: DEADLINE_MS, intervalMs: 100 })
  }

  /** The node that is the active controller. */
  async controller(): Promise<number> {
    const args = ['--bootstrap-server', this.cluster.bootstrapServers, 'describe', '--status']
    const { output } = await runKafkaTool('org.apache.kafka.tools.MetadataQuorumCommand', args)
    const leader = Number(/LeaderId:\s+(\d+)/.exec(output)?.[1])
    assert.ok(this.cluster.ids.includes(leader), output)
    return leader
  }

  /** Kills a broker, waits for another leader of the partition, and starts it again. */
  async killAndStart(victim: number, topic: string, partition = 0): Promise<void> {
    await this.cluster.killAtOnce(victim)
    await this.led(topic, victim, partition)
    await this.cluster.start(victim)
  }

  /** Resolves when a partition is led by another broker than that. */
  async led(topic: string, before: number, partition = 0): Promise<void> {
    const isLed = async () => ![before, -1].includes(await this.leader(topic, partition))
    await waitFor(isLed, { what: `another leader of ${topic}`, deadlineMs: DEADLINE_MS, intervalMs: 100 })
  }

  /** Sends 0, 1, … idempotently with five requests in flight, and acts meanwhile. All have to be acknowledged, in order. */
  async sendNumbers({ topic, count, producer: properties = {}, perTransaction = 0, act }: NumbersSent): Promise<void> {
    const producer = new Producer(this.at({ 'max.in.flight.requests.per.connection': '5', 'batch.size': '4000', 'linger.ms': '1', ...properties }), {
      logger: silentLogger,
    })
    const failures: string[] = []
    let next = 0
    let acting: Promise<void> | null = null
    let isActing = true
    const send = (index: number) =>
      producer.send(topic, 0, Date.now(), null, `${index}`, null, {
        acknowledged: () => {
          if (index !== next++) failures.push(`${index} ended out of order`)
        },
        failed: (error) => failures.push(`${index}: ${error.code} ${error.message}`),
      })
    try {
      if (perTransaction > 0) await producer.initTransactions()
      for (let index = 0; index < count; index++) {
        if (perTransaction > 0 && index % perTransaction === 0) producer.beginTransaction()
        if (!producer.hasRoom()) await producer.room()
        send(index)
        if (index === Math.floor(count / 5)) {
          acting = act().finally(() => (isActing = false))
          // Awaited below, after what is still being sent.
          acting.catch(() => undefined)
        }
        if (perTransaction > 0 && index % perTransaction === perTransaction - 1) await producer.commitTransaction()
        // Slower while something happens, so that there is something to send until it is over.
        if (index % 100 === 99) await new Promise((resolve) => setImmediate(resolve))
        if (acting !== null && isActing && index % 500 === 0) await delay(50)
      }
      await acting
      await producer.flush()
      assert.deepEqual(failures.slice(0, 5), [])
      assert.equal(next, count)
    } finally {
      await acting?.catch(() => undefined)
      await producer.close({ timeoutMs: 0 })
    }
  }

  /** Reads 0, 1, … to the last; each has to come once and in order, and no poll may fail, whatever happens to the brokers meanwhile. */
  async readNumbers(topic: string, count: number, properties: Properties = {}, logger: Logger = silentLogger): Promise<void> {
    const all = { 'auto.offset.reset': 'earliest', 'enable.auto.commit': 'false', 'max.poll.records': '10000', ...properties }
    const consumer = new Consumer(this.at(all), { logger })
    try {
      consumer.assign([{ topic, partition: 0 }])
      let readAt = performance.now()
      for (let next = 0; next < count; ) {
        const polled = await consumer.poll(200)
        if (polled.count > 0) readAt = performance.now()
        else if (performance.now() - readAt > DEADLINE_MS) assert.fail(`nothing more was read after ${next} of ${count} numbers`)
        for (const records of polled.partitions) {
          while (records.next()) assert.equal(records.buffer.toString('utf8', records.valueStart, records.valueEnd), `${next++}`, `at offset ${records.offset}`)
        }
      }
    } finally {
      await consumer.close({ timeoutMs: 5_000 })
    }
  }

  /** Sends and reads at the same time, and then once more from the beginning: nothing is lost, doubled or out of order. */
  async throughput(sent: NumbersSent, reader: Properties = {}): Promise<void> {
    await Promise.all([this.sendNumbers(sent), this.readNumbers(sent.topic, sent.count, reader)])
    await this.inSync(sent.topic)
    await this.readNumbers(sent.topic, sent.count, reader)
  }
}

/** Tests that share three brokers. */
export function describeThreeBrokers(name: string, tests: (brokers: () => ThreeBrokers) => void, properties: Properties = {}): void {
  describe(name, { skip: skipWithoutPeer() }, () => {
    const endings: (() => void | Promise<void>)[] = []
    let cluster: KafkaCluster | undefined
    before(async () => {
      cluster = await startKafkaCluster({ folder: temporaryFolder({ after: (action) => endings.push(action) }), properties })
    })
    after(async () => {
      await cluster?.close()
      for (const end of endings.reverse()) await end()
    })
    tests(() => new ThreeBrokers(cluster!))
  })
}
