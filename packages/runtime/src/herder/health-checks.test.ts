import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Logger } from '@millrace/api'
import { HealthChecks } from './health-checks.ts'

const CONFIG = { healthCheckIntervalMs: 10_000, healthCheckFailuresMax: 3 }

function make(check: () => Promise<string | null> | string | null) {
  const lines: string[] = []
  const log = (message: string) => void lines.push(message)
  const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info: log, warn: log, error: log }
  return { lines, checks: new HealthChecks({ config: CONFIG, checks: [{ subject: 'The config topic', check }], logger }) }
}

describe('health checks', () => {
  it('find a worker unhealthy after several failures in a row, and healthy after one success', async () => {
    let answer: string | null = 'has gone'
    const { checks, lines } = make(() => answer)
    await checks.run()
    await checks.run()
    assert.equal(checks.failure, null)
    await checks.run()
    assert.equal(checks.failure, 'The config topic has gone (3 checks in a row).')
    await checks.run()
    answer = null
    await checks.run()
    assert.equal(checks.failure, null)
    assert.deepEqual(lines, ['The worker is unhealthy: The config topic has gone', 'The config topic is well again'])
  })

  it('begin to count anew after a success', async () => {
    let count = 0
    const { checks } = make(() => (++count % 3 === 0 ? null : 'has gone'))
    for (let each = 0; each < 30; each++) await checks.run()
    assert.equal(checks.failure, null)
  })

  it('take an error for a failure', async () => {
    const { checks } = make(async () => {
      throw new Error('no broker answers')
    })
    for (let each = 0; each < 3; each++) await checks.run()
    assert.equal(checks.failure, 'The config topic cannot be used: no broker answers (3 checks in a row).')
  })

  it('see an event loop that is behind', async () => {
    const { checks } = make(() => null)
    for (let each = 0; each < 3; each++) await checks.run(2_500)
    assert.equal(checks.failure, 'The event loop of the worker is behind by 2500 ms (3 checks in a row).')
  })
})
