import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Broker, startBroker } from '@millrace/broker'
import { leaveGroupOnBehalf, silentLogger } from '@millrace/kafka'
import { temporaryFolder, waitFor } from '@millrace/testing'
import type { ClusterConfigSnapshot } from '../../storage/config-store.ts'
import { taskKey } from './incremental-cooperative-assignor.ts'
import { KafkaWorkerGroup, type KafkaWorkerGroupOptions } from './kafka-worker-group.ts'
import { RebalanceTimeline } from './rebalance-timeline.ts'
import type { Workload } from './worker-group.ts'

const logger = { ...silentLogger, isDebugEnabled: false, trace: () => undefined }

/** What is configured, and how far the config topic has been read. */
interface Configs {
  connectors: Readonly<Record<string, number>>
  offset: number
}

function snapshotOf({ connectors, offset }: Configs): ClusterConfigSnapshot {
  const tasks = (connector: string) => Array.from({ length: connectors[connector] ?? 0 }, (_, task) => ({ connector, task }))
  return { offset, connectors: () => Object.keys(connectors), tasks } as unknown as ClusterConfigSnapshot
}

/** Does with its group what a herder does, and notes what would run. */
class TestWorker {
  readonly group: KafkaWorkerGroup
  readonly timeline = new RebalanceTimeline(logger)
  readonly url: string
  readonly running = new Set<string>()
  readonly lost: string[] = []
  stops = 0
  isHung = false
  #isClosed = false
  #delay: NodeJS.Timeout | undefined
  #wake = Promise.withResolvers<void>()
  readonly #loop: Promise<void>

  constructor(name: string, configs: Configs, options: Pick<KafkaWorkerGroupOptions, 'properties'> & Partial<KafkaWorkerGroupOptions>) {
    this.url = `http://${name}:8083/`
    this.group = new KafkaWorkerGroup({
      groupId: 'workers',
      protocol: 'sessioned',
      sessionTimeoutMs: 6000,
      rebalanceTimeoutMs: 10_000,
      heartbeatIntervalMs: 50,
      rebalanceDelayMaxMs: 0,
      url: this.url,
      configs: () => snapshotOf(configs),
      reportedState: () => null,
      listener: {
        rejoinNeeded: () => this.#wake.resolve(),
        membershipLost: (reason) => {
          this.lost.push(reason)
          this.stop([...this.running])
          this.#wake.resolve()
        },
      },
      timeline: this.timeline,
      logger,
      ...options,
    })
    this.#loop = this.#run(options.protocol === 'eager')
  }

  stop(pieces: readonly string[]): void {
    for (const piece of pieces) if (this.running.delete(piece)) this.stops++
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#wake.resolve()
    await this.group.close()
    await this.#loop
    clearTimeout(this.#delay)
  }

  /** A herder's loop: joins when it has to, stops what is revoked, starts what is given. */
  async #run(isEager: boolean): Promise<void> {
    while (!this.#isClosed) {
      if (this.isHung || !this.group.needsJoin) {
        if (!this.isHung) this.group.progressed('waiting')
        await Promise.race([this.#wake.promise, new Promise((resolve) => setTimeout(resolve, 20))])
        this.#wake = Promise.withResolvers()
        continue
      }
      if (isEager) this.stop([...this.running])
      const rebalance = await this.group.join().catch(() => null)
      if (rebalance === null || rebalance.isConfigMismatch) continue
      this.stop(namesOf(rebalance.revoked))
      for (const piece of namesOf(rebalance.assigned)) this.running.add(piece)
      if (namesOf(rebalance.revoked).length > 0) this.group.revocationDone()
      clearTimeout(this.#delay)
      if (rebalance.delayMs > 0) this.#delay = setTimeout(() => this.group.requestJoin('the delay is over', 'delay'), rebalance.delayMs)
    }
  }
}

function namesOf({ connectors, tasks }: Workload): string[] {
  return [...connectors, ...tasks.map(taskKey)]
}

class Bench {
  readonly configs: Configs = { connectors: { a: 2, b: 3, c: 1 }, offset: 5 }
  readonly workers: TestWorker[] = []
  readonly broker: Broker

  constructor(broker: Broker) {
    this.broker = broker
  }

  get properties() {
    const fast = { 'retry.backoff.ms': '5', 'retry.backoff.max.ms': '20', 'reconnect.backoff.ms': '5', 'reconnect.backoff.max.ms': '20' }
    return { 'bootstrap.servers': `${this.broker.host}:${this.broker.port}`, ...fast }
  }

  start(name: string, options: Partial<KafkaWorkerGroupOptions> & { configs?: () => ClusterConfigSnapshot } = {}): TestWorker {
    const worker = new TestWorker(name, this.configs, { properties: { ...this.properties, 'client.id': name }, ...options })
    this.workers.push(worker)
    return worker
  }

  async close(worker: TestWorker): Promise<void> {
    this.workers.splice(this.workers.indexOf(worker), 1)
    await worker.close()
  }

  /** Waits until each connector and task runs once, nobody has two more than another, and nobody wants to join. */
  async untilSettled(): Promise<void> {
    const expected = namesOf({
      connectors: Object.keys(this.configs.connectors),
      tasks: Object.keys(this.configs.connectors).flatMap(snapshotOf(this.configs).tasks),
    })
    const isSettled = () => {
      const loads = this.workers.map(({ running }) => running.size)
      const all = this.workers.flatMap(({ running }) => [...running]).sort()
      return isSame(all, expected.sort()) && Math.max(...loads) - Math.min(...loads) <= 2 && this.workers.every(({ group }) => !group.needsJoin)
    }
    await waitFor(isSettled, {
      what: 'the work to be shared out',
      deadlineMs: 20_000,
      describe: () => this.workers.map(({ url, running }) => `${url} ${[...running]}`).join('\n'),
    })
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i])
}

async function bench(t: TestContext): Promise<Bench> {
  const endings: (() => void | Promise<void>)[] = []
  t.after(async () => {
    for (const ending of endings.reverse()) await ending()
  })
  const folder = temporaryFolder({ after: (ending) => endings.push(ending) })
  const broker = await startBroker({ port: 0, dataDir: folder, logger: silentLogger, properties: { 'group.min.session.timeout.ms': '500' } })
  endings.push(() => broker.close())
  const made = new Bench(broker)
  endings.push(async () => {
    await Promise.all(made.workers.map((worker) => worker.close()))
  })
  return made
}

test('workers that come and go share the work without stopping what need not move', async (t) => {
  const cluster = await bench(t)
  const { configs } = cluster
  const first = cluster.start('one')
  await cluster.untilSettled()
  const second = cluster.start('two')
  await cluster.untilSettled()
  assert.equal(first.stops, 4, 'of three connectors and six tasks, half of each kind')
  assert.equal(first.group.ownerUrl('a'), [first, second].find(({ running }) => running.has('a'))!.url)
  assert.equal(second.group.ownerUrl('a'), null)

  configs.connectors = { ...configs.connectors, d: 2 }
  configs.offset++
  first.group.requestJoin('connector d was created')
  await cluster.untilSettled()
  assert.deepEqual([first.stops, second.stops], [4, 0])

  await cluster.close(first)
  await cluster.untilSettled()
  assert.equal(second.group.rebalance!.isLeader, true)
  assert.deepEqual([second.stops, second.lost], [0, []])
})

test('the timeline says who came, who went, what moved and for how long it stood still', async (t) => {
  const cluster = await bench(t)
  const leader = cluster.start('one')
  await cluster.untilSettled()
  const second = cluster.start('two')
  await cluster.untilSettled()
  await cluster.close(second)
  await cluster.untilSettled()

  const events = leader.timeline.events
  assert.deepEqual(
    events.map(({ trigger, joined, left, moved_count, is_leader }) => ({ trigger, joined, left, moved_count, is_leader })),
    [
      { trigger: 'start', joined: [], left: [], moved_count: 9, is_leader: true },
      { trigger: 'join', joined: [second.url], left: [], moved_count: 4, is_leader: true },
      { trigger: 'revocation', joined: [], left: [], moved_count: 4, is_leader: true },
      { trigger: 'leave', joined: [], left: [second.url], moved_count: 4, is_leader: true },
    ],
  )
  const [, taken, given] = events
  assert.ok(taken!.moved.every(({ from, to, paused_ms }) => from === leader.url && to === null && paused_ms === null))
  assert.ok(given!.moved.every(({ from, to, paused_ms }) => from === null && to === second.url && paused_ms !== null))
  assert.deepEqual(new Set(events.flatMap(({ members }) => members)), new Set([leader.url, second.url]))
})

test('the timeline tells a worker that stopped from one that vanished', async (t) => {
  const cluster = await bench(t)
  // What its worker wrote last.
  const states = new Map<string, string>()
  const reportedState = () => ({ state: states.get('two') ?? 'RUNNING', workerId: 'two:8083' })
  const leader = cluster.start('one', { reportedState })
  await cluster.untilSettled()
  for (const state of ['RUNNING', 'UNASSIGNED']) {
    const second = cluster.start('two')
    await cluster.untilSettled()
    states.set('two', state)
    await cluster.close(second)
    await cluster.untilSettled()
  }
  const departures = leader.timeline.events.filter(({ left }) => left.length > 0).map(({ trigger, reason }) => ({ trigger, reason }))
  assert.deepEqual(departures, [
    { trigger: 'time-out', reason: 'timed out: http://two:8083/' },
    { trigger: 'leave', reason: 'left: http://two:8083/' },
  ])
})

test('in the eager protocol everything is shared out anew', async (t) => {
  const cluster = await bench(t)
  const first = cluster.start('one', { protocol: 'eager' })
  await cluster.untilSettled()
  cluster.start('two', { protocol: 'sessioned' })
  await cluster.untilSettled()
  assert.equal(first.group.rebalance!.protocolVersion, 0)
  assert.equal(first.stops, 9)
})

test('a leader that has read less than another member gives out nothing until it has caught up', async (t) => {
  const cluster = await bench(t)
  const behind: Configs = { ...cluster.configs, offset: 4 }
  const leader = cluster.start('one', { configs: () => snapshotOf(behind) })
  await waitFor(() => leader.group.rebalance?.isLeader, { what: 'a leader' })
  const second = cluster.start('two')
  await waitFor(() => second.group.rebalance?.isConfigMismatch, { what: 'the second worker to hear of it' })
  assert.deepEqual([second.group.rebalance!.assigned, second.group.rebalance!.configOffset], [{ connectors: [], tasks: [] }, 5])
  behind.offset = 6
  await cluster.untilSettled()
  assert.equal(second.group.rebalance!.configOffset, 6)
})

test('a worker that was put out of the group stops, comes back and has its work again, as long as nobody else was given it', async (t) => {
  const cluster = await bench(t)
  const options = { rebalanceDelayMaxMs: 60_000 }
  const leader = cluster.start('one', options)
  await waitFor(() => leader.running.size > 0, { what: 'the first worker to have its work' })
  const second = cluster.start('two', options)
  await cluster.untilSettled()
  const before = [...second.running].sort()
  await leaveGroupOnBehalf(cluster.properties, { groupId: 'workers', memberId: second.group.rebalance!.memberId })
  await waitFor(() => second.lost.length > 0, { what: 'the loss to be noticed' })
  await cluster.untilSettled()
  assert.deepEqual([...second.running].sort(), before)
  assert.equal(second.stops, before.length)
  assert.match(second.lost[0]!, /UNKNOWN_MEMBER_ID/)
  assert.equal(leader.timeline.events.at(-1)!.delay_ms, 0)
})

test('a worker whose coordinator is silent stops before its session ends, and goes on when there is one again', async (t) => {
  const cluster = await bench(t)
  const worker = cluster.start('one', { sessionTimeoutMs: 1500, heartbeatIntervalMs: 100 })
  await cluster.untilSettled()
  const silentAt = performance.now()
  cluster.broker.faults.inject({ kind: 'request', api: 'Heartbeat', action: 'ignore' })
  await waitFor(() => worker.lost.length > 0, { what: 'the worker to count itself out', deadlineMs: 10_000 })
  assert.equal(worker.stops, 9)
  const waitedMs = performance.now() - silentAt
  assert.ok(waitedMs < 2500, `${waitedMs} ms`)
  assert.match(worker.lost[0]!, /^no coordinator has answered for \d+ ms$/)
  cluster.broker.faults.clear()
  await cluster.untilSettled()
  assert.equal(worker.timeline.events.at(-1)!.trigger, 'time-out')
})

test('a worker whose herder hangs leaves the group, and says what it was doing', async (t) => {
  const cluster = await bench(t)
  const warnings: string[] = []
  const worker = cluster.start('one', { rebalanceTimeoutMs: 500, logger: { ...logger, warn: (message) => void warnings.push(message) } })
  await cluster.untilSettled()
  worker.group.progressed('stopping connector "a"')
  worker.isHung = true
  await waitFor(() => worker.lost.length > 0, { what: 'the worker to leave' })
  assert.match(
    warnings.join('\n'),
    /has not attended to group "workers" for 500 ms \(rebalance\.timeout\.ms\).*What it was last seen to do: stopping connector "a"\./,
  )
  worker.isHung = false
  await cluster.untilSettled()
})

test('what moves to a worker that joins does not stand still for an interval of heartbeats', async (t) => {
  const cluster = await bench(t)
  // Long enough for the broker to be asked for nothing by itself within the test.
  const slow = { heartbeatIntervalMs: 25_000, sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 60_000 }
  cluster.start('one', slow)
  await cluster.untilSettled()
  cluster.start('two', slow)
  await cluster.untilSettled()
})
