import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Logger } from '@millrace/api'
import { distributedConfig, distributedConfigDef } from '../../config/distributed-config.ts'
import { MemoryStatusStore } from '../../storage/memory/memory-status-store.ts'
import { FakeClusterConfigStore } from '../fixtures/fake-cluster-config-store.ts'
import { FakeGroup, workload } from '../fixtures/fake-group.ts'
import { ConfigChanges } from './config-changes.ts'
import { HerderLoop } from './herder-loop.ts'
import { LeaderDuties } from './leader-duties.ts'
import { WakeUp } from './wake-up.ts'
import type { Workload } from './worker-group.ts'

/* The timers of the loop, on a clock that only the tests move. */

const HOUR_MS = 3_600_000
const FOLLOWER = { isLeader: false, leaderId: 'other', leaderUrl: 'http://leader:8083/' }

class Bench {
  readonly group: FakeGroup
  readonly configs = new FakeClusterConfigStore()
  readonly loop: HerderLoop
  readonly log: string[] = []
  /** What the group was told to be going on, with the time. */
  readonly progress: number[] = []
  running: Workload = workload()
  /** What a rebalance does to the herder; may throw. */
  rebalanced: () => void = () => {}
  #now = 0
  readonly #t: TestContext

  constructor(t: TestContext, properties: Readonly<Record<string, string>>) {
    this.#t = t
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    const note = (message: string): void => void this.log.push(message)
    const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn: note, error: note }
    const config = distributedConfig(
      distributedConfigDef.parse({
        'group.id': 'cluster',
        'config.storage.topic': 'configs',
        'offset.storage.topic': 'offsets',
        'status.storage.topic': 'statuses',
        ...properties,
      }),
    )
    const wakeUp = new WakeUp()
    const changes = new ConfigChanges(() => wakeUp.call())
    this.configs.listen(changes)
    const listener = { rejoinNeeded: () => this.loop.rejoinNeeded(), membershipLost: (reason: string) => this.loop.membershipLost(reason) }
    this.group = new FakeGroup(listener)
    this.group.progressed = () => void this.progress.push(this.#now)
    const sessionKeys = { algorithm: 'HmacSHA256', keyBits: null, ttlMs: config.interWorkerKeyTtlMs }
    const duties = new LeaderDuties({ group: this.group, configStore: this.configs, statusStore: new MemoryStatusStore(), sessionKeys, logger })
    this.loop = new HerderLoop(
      {
        config,
        group: this.group,
        configStore: this.configs,
        changes,
        work: {
          running: () => this.running,
          start: (started) => void (this.running = started),
          stop: async () => void (this.running = workload()),
          hasConnector: () => false,
          tasksOf: () => [],
          restartConnector: async () => {},
          setTargetState: async () => {},
        },
        rebalanced: () => this.rebalanced(),
        followed() {},
        reconfigure() {},
        restart: async () => {},
        setLoggerLevel() {},
        attendToSessionKey: () => duties.attendToSessionKey(),
        logger,
        clock: { now: () => this.#now },
      },
      wakeUp,
    )
    this.loop.start()
    t.after(async () => {
      this.loop.halt()
      await this.group.close()
      await this.advance(10_000)
      await this.loop.ended()
    })
  }

  /** Lets so much time pass, in steps in which everything that follows happens. */
  async advance(durationMs: number): Promise<void> {
    for (let leftMs = durationMs; leftMs > 0; ) {
      const stepMs = Math.min(leftMs, 50)
      leftMs -= stepMs
      this.#now += stepMs
      this.#t.mock.timers.tick(stepMs)
      await this.turn()
    }
  }

  /** What needs no time. */
  async turn(): Promise<void> {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
  }

  async joined(rebalance: Parameters<FakeGroup['give']>[0]): Promise<void> {
    this.group.give(rebalance)
    await this.turn()
    this.group.calls.length = 0
  }
}

describe('the loop of the herder', () => {
  it('joins again when the work of absent workers has waited long enough, and not before', async (t) => {
    const bench = new Bench(t, {})
    await bench.joined({ ...FOLLOWER, delayMs: 300_000 })
    await bench.advance(299_950)
    assert.deepEqual(bench.group.calls, [])
    await bench.advance(50)
    assert.deepEqual(bench.group.calls, ['request-join the delay is over after which work of absent workers is shared out', 'join'])
    // A rebalance that comes first takes its place.
    await bench.joined({ ...FOLLOWER, delayMs: 300_000 })
    await bench.advance(100_000)
    bench.group.requestJoin('test')
    await bench.turn()
    await bench.joined(FOLLOWER)
    await bench.advance(300_000)
    assert.deepEqual(bench.group.calls, [])
  })

  it('makes a key for requests between workers when it leads, and another one when that is too old', async (t) => {
    const bench = new Bench(t, { 'inter.worker.key.ttl.ms': String(HOUR_MS) })
    await bench.joined({})
    const key = () => bench.configs.snapshot().sessionKey?.key.toString('hex')
    const first = key()
    assert.ok(first !== undefined)
    await bench.advance(HOUR_MS - 50)
    assert.equal(key(), first)
    await bench.advance(50)
    assert.notEqual(key(), first)
  })

  it('tries a key again that could not be written after a second', async (t) => {
    const bench = new Bench(t, {})
    bench.configs.nextFailure = { error: new Error('no leader'), takesEffect: false }
    await bench.joined({})
    assert.deepEqual(bench.log, ['Failed to write a new session key to the config topic; it is tried again'])
    await bench.advance(950)
    assert.equal(bench.configs.snapshot().sessionKey, null)
    await bench.advance(50)
    assert.notEqual(bench.configs.snapshot().sessionKey, null)
  })

  it('shows its group every five seconds that it is alive, also while it waits for something', async (t) => {
    const bench = new Bench(t, { 'connect.protocol': 'eager', 'worker.unsync.backoff.ms': '60000' })
    await bench.joined(FOLLOWER)
    await bench.advance(60_000)
    bench.configs.refreshFailure = new Error('time-out')
    bench.group.requestJoin('test')
    await bench.turn()
    await bench.joined({ ...FOLLOWER, protocolVersion: 0, configOffset: 7 })
    await bench.advance(59_000)
    const pauses = bench.progress.map((at, i) => at - (bench.progress[i - 1] ?? 0))
    assert.ok(Math.max(...pauses) <= 5_000, String(pauses))
  })

  it('stays away for worker.unsync.backoff.ms where it cannot read what the leader has read, in the eager protocol', async (t) => {
    const bench = new Bench(t, { 'connect.protocol': 'eager', 'worker.unsync.backoff.ms': '300000' })
    await bench.turn()
    bench.configs.refreshFailure = new Error('time-out')
    await bench.joined({ ...FOLLOWER, protocolVersion: 0, configOffset: 7, assigned: workload('src') })
    assert.deepEqual([bench.running, bench.group.rebalance], [workload(), null], 'nothing of what it was given runs, and it has left')
    await bench.advance(299_500)
    assert.deepEqual(bench.group.calls, [])
    bench.configs.refreshFailure = null
    await bench.advance(500)
    assert.deepEqual(bench.group.calls, ['join'])
  })

  it('tries five times to catch up in the other protocols, later each time, and then gives its work up', async (t) => {
    const bench = new Bench(t, { 'scheduled.rebalance.max.delay.ms': '300000' })
    await bench.joined({ ...FOLLOWER, assigned: workload('src') })
    bench.configs.refreshFailure = new Error('time-out')
    bench.group.requestJoin('test')
    for (const pauseMs of [6_000, 7_500, 10_000, 15_000, 30_000]) {
      await bench.turn()
      await bench.joined({ ...FOLLOWER, configOffset: 7, assigned: workload('src') })
      await bench.advance(pauseMs - 500)
      assert.deepEqual(bench.group.calls, [], `before ${pauseMs} ms are over`)
      assert.deepEqual(bench.running, workload('src'))
      await bench.advance(1_000)
      assert.deepEqual(bench.group.calls, ['request-join the worker tries again to catch up with the config topic', 'join'])
    }
    bench.group.give({ ...FOLLOWER, configOffset: 7, assigned: workload('src') })
    await bench.turn()
    assert.deepEqual([bench.group.calls.slice(2), bench.running], [['drop-assignment', 'join'], workload()])
  })

  it('goes on after a failure that nobody expected, later each time, up to ten seconds', async (t) => {
    const bench = new Bench(t, {})
    await bench.joined(FOLLOWER)
    bench.rebalanced = () => {
      throw new Error('unexpected')
    }
    for (const pauseMs of [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
      bench.group.requestJoin('test')
      await bench.turn()
      bench.log.length = 0
      await bench.joined(FOLLOWER)
      assert.deepEqual(bench.log, [`Failed while ensuring membership in the cluster; tried again in ${pauseMs} ms`])
      bench.group.requestJoin('test')
      await bench.advance(pauseMs - 50)
      assert.deepEqual(bench.group.calls.includes('join'), false, `before ${pauseMs} ms are over`)
      await bench.advance(50)
    }
    bench.rebalanced = () => {}
    await bench.joined(FOLLOWER)
    bench.rebalanced = () => {
      throw new Error('unexpected')
    }
    bench.group.requestJoin('test')
    await bench.turn()
    await bench.joined(FOLLOWER)
    assert.match(bench.log.at(-1) ?? '', /tried again in 250 ms$/)
  })
})
