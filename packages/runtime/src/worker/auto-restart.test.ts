import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Logger } from '@millrace/api'
import { ConnectError, DataError, RetriableError } from '@millrace/api'
import { type SupervisionConfig, supervisionConfig } from '../config/supervision-config.ts'
import { failureOf, runtimeFailure } from '../errors/failure.ts'
import { AutoRestart, type RestartSubject } from './auto-restart.ts'

const TASK: RestartSubject = { connector: 'c', task: 0 }
const CONNECTOR: RestartSubject = { connector: 'c', task: null }
const transient = failureOf(new RetriableError('the database is away'))
const data = failureOf(new DataError('no number'))
const bug = failureOf(new TypeError('x is undefined'))
const access = failureOf(new ConnectError('refused', { cause: Object.assign(new Error('bad password'), { status: 401 }) }))

/** Time that passes only where a test says so. */
class SimulatedClock {
  #nowMs = 1_000_000
  #timers: { at: number; act: () => void }[] = []

  now(): number {
    return this.#nowMs
  }
  after(delayMs: number, act: () => void): () => void {
    const timer = { at: this.#nowMs + delayMs, act }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer)
    }
  }
  /** Until when, or null. */
  get next(): number | null {
    return this.#timers.length === 0 ? null : Math.min(...this.#timers.map(({ at }) => at)) - this.#nowMs
  }
  async advance(ms: number): Promise<void> {
    this.#nowMs += ms
    const due = this.#timers.filter(({ at }) => at <= this.#nowMs)
    this.#timers = this.#timers.filter(({ at }) => at > this.#nowMs)
    for (const { act } of due) act()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function make(properties: Record<string, string> = {}) {
  const clock = new SimulatedClock()
  const restarted: RestartSubject[] = []
  const lines: string[] = []
  const log = (message: string) => void lines.push(message)
  const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info: log, warn: log, error: log }
  const supervision: SupervisionConfig = supervisionConfig({ 'millrace.restart.enable': 'true', ...properties }, {})
  let outcome: 'runs' | 'fails' | 'refuses' = 'runs'
  const restarts: AutoRestart = new AutoRestart({
    logger,
    clock,
    random: () => 0,
    async restart(subject, begin) {
      if (outcome === 'refuses') throw new Error('too many requests')
      if (!begin()) return
      restarted.push(subject)
      // As the herder does it.
      restarts.stopped(subject)
      restarts.started(subject, supervision)
      if (outcome === 'runs') restarts.running(subject)
    },
  })
  restarts.started(TASK, supervision)
  restarts.running(TASK)
  return { clock, restarts, restarted, lines, supervision, willBe: (next: typeof outcome) => void (outcome = next) }
}

describe('automatic restarts', () => {
  it('restart a task after an error that passes, with growing delays up to the maximum', async () => {
    const { clock, restarts, restarted } = make({ 'millrace.restart.delay.max.ms': '5000' })
    for (const delayMs of [1000, 2000, 4000, 5000, 5000]) {
      restarts.failed(TASK, transient)
      assert.equal(clock.next, delayMs)
      await clock.advance(delayMs)
    }
    assert.equal(restarted.length, 5)
    assert.equal(restarts.info(TASK)?.attempts, 5)
  })

  it('do nothing where they are not enabled', async () => {
    const { clock, restarts } = make({ 'millrace.restart.enable': 'false' })
    restarts.failed(TASK, transient)
    assert.equal(clock.next, null)
    assert.equal(restarts.info(TASK), null)
  })

  it('give up after the maximum, and say so', async () => {
    const { clock, restarts, restarted, lines } = make({ 'millrace.restart.max': '2' })
    for (let count = 0; count < 4; count++) {
      restarts.failed(TASK, transient)
      await clock.advance(10_000)
    }
    assert.equal(restarted.length, 2)
    const { next_at: nextAt, ...rest } = restarts.info(TASK)!
    assert.equal(nextAt, null)
    assert.deepEqual(rest, { enabled: true, attempts: 2, max: 2, given_up: true, last_cause: 'the database is away' })
    assert.match(lines.at(-1)!, /not restarted: it failed with an error of class transient, and 2 restarts have not helped/)
  })

  it('never follow an error of data', async () => {
    const { clock, restarts, lines } = make()
    restarts.failed(TASK, data)
    assert.equal(clock.next, null)
    assert.equal(restarts.info(TASK)?.given_up, true)
    assert.match(lines.at(-1)!, /class data, which a restart does not help/)
  })

  it('are slow after an error of authentication, and few after a bug', async () => {
    const slow = make()
    slow.restarts.failed(TASK, access)
    assert.equal(slow.clock.next, 30_000)
    const few = make()
    for (let count = 0; count < 5; count++) {
      few.restarts.failed(TASK, bug)
      await few.clock.advance(100_000)
    }
    assert.equal(few.restarted.length, 3)
  })

  it('are forgotten after the task has run long enough', async () => {
    const { clock, restarts } = make({ 'millrace.restart.reset.after.ms': '60000' })
    restarts.failed(TASK, transient)
    await clock.advance(1000)
    restarts.failed(TASK, transient)
    await clock.advance(2000)
    assert.equal(restarts.info(TASK)?.attempts, 2)
    await clock.advance(60_000)
    assert.equal(restarts.info(TASK)?.attempts, 0)
    restarts.failed(TASK, transient)
    assert.equal(clock.next, 1000)
  })

  it('are cancelled by whoever starts or stops the task', async () => {
    const { clock, restarts, restarted, supervision } = make()
    restarts.failed(TASK, transient)
    restarts.stopped(TASK)
    assert.equal(clock.next, null)
    restarts.started(TASK, supervision)
    restarts.failed(TASK, transient)
    restarts.started(TASK, supervision)
    assert.equal(clock.next, null)
    assert.equal(restarts.info(TASK)?.attempts, 0)
    await clock.advance(100_000)
    assert.equal(restarted.length, 0)
  })

  it('wait while the connector is paused', async () => {
    const { clock, restarts, restarted } = make()
    restarts.failed(TASK, transient)
    restarts.targetState('c', 'PAUSED')
    assert.equal(clock.next, null)
    restarts.targetState('c', 'STARTED')
    assert.equal(clock.next, 1000)
    await clock.advance(1000)
    assert.equal(restarted.length, 1)
    restarts.targetState('c', 'PAUSED')
    restarts.failed(TASK, transient)
    assert.equal(clock.next, null)
    restarts.targetState('c', 'STARTED')
    assert.equal(clock.next, 2000)
  })

  it('are one at a time, however often a failure is told', async () => {
    const { clock, restarts, restarted } = make()
    restarts.failed(TASK, transient)
    restarts.failed(TASK, transient)
    await clock.advance(1000)
    await clock.advance(100_000)
    assert.equal(restarted.length, 1)
  })

  it('are tried again where they could not begin', async () => {
    const { clock, restarts, restarted, willBe } = make()
    willBe('refuses')
    restarts.failed(TASK, transient)
    await clock.advance(1000)
    assert.equal(clock.next, 2000)
    willBe('runs')
    await clock.advance(2000)
    assert.equal(restarted.length, 1)
  })

  it('follow a stall where that is its action, also where restarts are not enabled otherwise', async () => {
    const { clock, restarts, restarted } = make({ 'millrace.restart.enable': 'false', 'millrace.stall.action': 'restart' })
    restarts.failed(TASK, runtimeFailure('TASK_STALLED', 'put() has not returned for 300 s'))
    await clock.advance(1000)
    assert.equal(restarted.length, 1)
    assert.equal(restarts.info(TASK)?.attempts, 1)
  })

  it('are counted for a connector and its tasks apart', async () => {
    const { clock, restarts, restarted, supervision } = make()
    restarts.started(CONNECTOR, supervision)
    restarts.failed(CONNECTOR, transient)
    await clock.advance(1000)
    assert.deepEqual(restarted, [CONNECTOR])
    assert.equal(restarts.info(TASK)?.attempts, 0)
  })
})
