import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Reconfiguration } from './reconfiguration.ts'

function bench(t: TestContext, isPassing = false) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const updates: string[] = []
  const errors: string[] = []
  const setup = { error: new Error('no task configurations') as Error | null }
  const logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn() {}, error: (message: string) => void errors.push(message) }
  const update = async (connector: string, begun: () => void): Promise<void> => {
    begun()
    updates.push(connector)
    if (setup.error !== null) throw setup.error
  }
  const reconfiguration = new Reconfiguration({ update, isPassing: () => isPassing, logger })
  t.after(() => reconfiguration.stop())
  const advance = async (durationMs: number): Promise<void> => {
    t.mock.timers.tick(durationMs)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return Object.assign(setup, { reconfiguration, updates, errors, advance })
}

test('a connector whose tasks could not be divided is asked again, later each time, up to a minute', async (t) => {
  const made = bench(t)
  made.reconfiguration.request('c')
  await made.advance(0)
  for (const [i, delayMs] of [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000].entries()) {
    assert.match(made.errors.at(-1) ?? '', new RegExp(`tried again in ${delayMs} ms$`))
    await made.advance(delayMs - 1)
    assert.equal(made.updates.length, i + 1)
    await made.advance(1)
    assert.equal(made.updates.length, i + 2)
  }
  made.error = null
  await made.advance(60_000)
  const count = made.updates.length
  await made.advance(600_000)
  assert.equal(made.updates.length, count, 'what has succeeded is over')
})

test('a new request takes the place of the one that waits', async (t) => {
  const made = bench(t)
  made.reconfiguration.request('c')
  await made.advance(0)
  await made.advance(250)
  made.error = null
  made.reconfiguration.request('c')
  await made.advance(600_000)
  assert.deepEqual(made.updates, ['c', 'c', 'c'])
})

test('errors that pass by themselves are no news for a minute', async (t) => {
  const made = bench(t, true)
  made.reconfiguration.request('c')
  await made.advance(0)
  for (const delayMs of [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000]) {
    assert.deepEqual(made.errors, [])
    await made.advance(delayMs)
  }
  assert.equal(made.errors.length, 1)
})

test('nothing is asked any more once it is stopped', async (t) => {
  const made = bench(t)
  made.reconfiguration.request('c')
  await made.advance(0)
  made.reconfiguration.stop()
  made.reconfiguration.request('d')
  await made.advance(600_000)
  assert.deepEqual(made.updates, ['c'])
})
