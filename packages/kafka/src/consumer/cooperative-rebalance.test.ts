import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type Broker, startBroker } from '@millrace/broker'
import { ErrorCode } from '@millrace/kafka-protocol'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { Admin } from '../admin/admin.ts'
import type { Properties } from '../config/client-properties.ts'
import { silentLogger as logger } from '../logger.ts'
import { Producer } from '../producer/producer.ts'
import { partitionName, type TopicPartition } from '../topic-partition.ts'
import { Consumer } from './consumer.ts'

const TOPIC = 'moving'
const PARTITIONS = 6
const COOPERATIVE = 'org.apache.kafka.clients.consumer.CooperativeStickyAssignor'
const RANGE = 'org.apache.kafka.clients.consumer.RangeAssignor'

/** A consumer that polls until it is stopped, and notes what it is told. */
class Member {
  readonly consumer: Consumer
  /** `+` assigned, `-` revoked, `!` lost, each with the partitions. */
  readonly events: string[] = []
  readonly owned = new Set<string>()
  readonly values: string[] = []
  polls = 0
  #isStopped = false
  readonly #polling: Promise<void>

  constructor(bootstrap: string, strategy: string, more: Properties) {
    const properties = {
      'bootstrap.servers': bootstrap,
      'group.id': 'cooperative',
      'auto.offset.reset': 'earliest',
      'partition.assignment.strategy': strategy,
      'heartbeat.interval.ms': '20',
      'retry.backoff.ms': '5',
      'fetch.max.wait.ms': '10',
      ...more,
    }
    this.consumer = new Consumer(properties, { logger })
    this.consumer.subscribe(
      { topics: [TOPIC] },
      {
        assigned: (partitions) => this.#note('+', partitions, (name) => this.owned.add(name)),
        revoked: (partitions) => this.#note('-', partitions, (name) => this.owned.delete(name)),
        lost: (partitions) => this.#note('!', partitions, (name) => this.owned.delete(name)),
      },
    )
    this.#polling = this.#poll()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#polling
    await this.consumer.close()
  }

  #note(kind: string, partitions: readonly TopicPartition[], change: (name: string) => void): void {
    this.events.push(`${kind}${partitions.map(({ partition }) => partition).sort()}`)
    for (const partition of partitions) change(partitionName(partition))
  }

  async #poll(): Promise<void> {
    while (!this.#isStopped) {
      this.polls++
      for (const records of (await this.consumer.poll(10)).partitions) {
        while (records.next()) this.values.push(records.buffer.toString('utf8', records.valueStart, records.valueEnd))
      }
    }
  }
}

class Group {
  readonly broker: Broker
  readonly bootstrap: string
  #members: Member[] = []

  constructor(broker: Broker) {
    this.broker = broker
    this.bootstrap = `${broker.host}:${broker.port}`
  }

  member(strategy: string, more: Properties = {}): Member {
    const member = new Member(this.bootstrap, strategy, more)
    this.#members.push(member)
    return member
  }

  async leave(member: Member): Promise<void> {
    await member.stop()
    this.#members = this.#members.filter((other) => other !== member)
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.stop()))
    await this.broker.close()
  }

  /** Waits until each partition has one owner, and the members have so many. */
  async settled(...counts: readonly number[]): Promise<void> {
    const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => b - a).join()
    await waitFor(
      () => {
        const owned = this.#members.flatMap(({ owned }) => [...owned])
        return owned.length === PARTITIONS && new Set(owned).size === PARTITIONS && sorted(this.#members.map(({ owned }) => owned.size)) === sorted(counts)
      },
      { what: `members with ${counts.join(', ')} partitions`, describe: () => this.#members.map(({ events }) => events.join(' ')) },
    )
  }
}

async function group(t: TestContext): Promise<Group> {
  const endings: (() => void | Promise<void>)[] = []
  const broker = await startBroker({
    port: 0,
    dataDir: temporaryFolder({ after: (action) => endings.push(action) }),
    logger,
    properties: { 'group.initial.rebalance.delay.ms': '0' },
  })
  const made = new Group(broker)
  const admin = new Admin({ 'bootstrap.servers': made.bootstrap }, { logger })
  await admin.createTopics([{ name: TOPIC, partitions: PARTITIONS, replicationFactor: 1 }])
  await admin.close()
  t.after(async () => {
    await made.close()
    for (const end of endings) await end()
  })
  return made
}

test('only what moves is revoked, after a first round; everything is read once', async (t) => {
  const members = await group(t)
  const producer = new Producer({ 'bootstrap.servers': members.bootstrap, 'linger.ms': '0' }, { logger })
  t.after(() => producer.close({ timeoutMs: 0 }))
  let sent = 0
  const sending = setInterval(() => producer.send(TOPIC, sent % PARTITIONS, Date.now(), null, `${sent++}`, null, null), 1)
  t.after(() => clearInterval(sending))

  const first = members.member(COOPERATIVE)
  await members.settled(6)
  const second = members.member(COOPERATIVE)
  await members.settled(3, 3)
  const third = members.member(COOPERATIVE)
  await members.settled(2, 2, 2)
  // The first round told the first one that nothing has come, the second one brought nothing either.
  assert.deepEqual(
    first.events.filter((event) => event !== '+'),
    ['+0,1,2,3,4,5', '-3,4,5', '-2'],
  )
  assert.deepEqual(
    second.events.filter((event) => event !== '+'),
    ['+3,4,5', '-5'],
  )
  assert.deepEqual(
    third.events.filter((event) => event !== '+'),
    ['+2,5'],
  )

  clearInterval(sending)
  await producer.flush()
  const values = () => [first, second, third].flatMap(({ values }) => values)
  await waitFor(() => values().length >= sent, { what: `${sent} records`, describe: () => values().length })
  assert.deepEqual(
    values()
      .map(Number)
      .sort((a, b) => a - b),
    Array.from({ length: sent }, (_, i) => i),
  )

  // Who leaves gives up everything; the others get it in one round, and lose nothing.
  await members.leave(second)
  await members.settled(3, 3)
  assert.equal(first.events.filter((event) => event.startsWith('-')).length, 2)
  assert.equal(third.events.filter((event) => event.startsWith('-')).length, 0)
})

test('a group changes from range to cooperative-sticky member by member, in two rounds of restarts', async (t) => {
  const members = await group(t)
  let running = [members.member(RANGE), members.member(RANGE), members.member(RANGE)]
  await members.settled(2, 2, 2)
  for (const strategy of [`${COOPERATIVE},${RANGE}`, COOPERATIVE]) {
    for (const old of running) {
      await members.leave(old)
      running = running.filter((member) => member !== old)
      await members.settled(3, 3)
      running.push(members.member(strategy))
      await members.settled(2, 2, 2)
    }
  }
  // All cooperate now: nobody gives up everything when one more comes.
  const before = running.map(({ events }) => events.length)
  members.member(COOPERATIVE)
  await members.settled(2, 2, 1, 1)
  const since = running.flatMap(({ events }, i) => events.slice(before[i]).filter((event) => event.startsWith('-')))
  assert.deepEqual(
    since.map(({ length }) => length),
    [2],
    since.join(' '),
  )
})

test('a member that is put out of the group while it joins has lost what it kept', async (t) => {
  const members = await group(t)
  const first = members.member(COOPERATIVE)
  await members.settled(6)
  members.broker.faults.inject({ kind: 'request', api: 'SyncGroup', action: 'error', errorCode: ErrorCode.ILLEGAL_GENERATION, times: 1 })
  members.broker.faults.inject({ kind: 'request', api: 'Heartbeat', action: 'error', errorCode: ErrorCode.REBALANCE_IN_PROGRESS, times: 1 })
  await waitFor(() => first.events.length >= 3, { what: 'the member to be back', describe: () => first.events })
  assert.deepEqual(first.events, ['+0,1,2,3,4,5', '!0,1,2,3,4,5', '+0,1,2,3,4,5'])
})

test('what is assigned for a subscription that has changed meanwhile is not taken over', async (t) => {
  const members = await group(t)
  const admin = new Admin({ 'bootstrap.servers': members.bootstrap }, { logger })
  await admin.createTopics([{ name: 'other', partitions: 1, replicationFactor: 1 }])
  await admin.close()
  members.broker.faults.inject({ kind: 'request', api: 'SyncGroup', action: 'delay', delayMs: 200, times: 1 })
  const consumer = new Consumer({ 'bootstrap.servers': members.bootstrap, 'group.id': 'changing', 'heartbeat.interval.ms': '20' }, { logger })
  const events: string[] = []
  const listener = {
    assigned: (partitions: readonly TopicPartition[]) => void events.push(`+${partitions.map(partitionName)}`),
    revoked: (partitions: readonly TopicPartition[]) => void events.push(`-${partitions.map(partitionName)}`),
  }
  consumer.subscribe({ topics: [TOPIC] }, listener)
  await waitFor(async () => (await consumer.poll(5), consumer.groupMetadata() !== null), { what: 'the member to be in the group', intervalMs: 0 })
  consumer.subscribe({ topics: ['other'] }, listener)
  await waitFor(async () => (await consumer.poll(5), events.length > 0), { what: 'an assignment', intervalMs: 0 })
  await consumer.close()
  assert.deepEqual(events, ['+other-0', '-other-0'])
})

test('a leader that comes back as the static member that it was still notices new partitions', async (t) => {
  const members = await group(t)
  const first = members.member(COOPERATIVE, { 'group.instance.id': 'static' })
  await members.settled(6)
  await members.leave(first)
  const back = members.member(COOPERATIVE, { 'group.instance.id': 'static', 'metadata.max.age.ms': '50' })
  await members.settled(6)
  const admin = new Admin({ 'bootstrap.servers': members.bootstrap }, { logger })
  await admin.createPartitions([{ name: TOPIC, count: PARTITIONS + 2 }])
  await admin.close()
  await waitFor(() => back.owned.size === PARTITIONS + 2, { what: 'the new partitions', describe: () => back.events })
})
