import assert from 'node:assert/strict'
import test from 'node:test'
import { beatRegularly, heartbeatIntervalMsMax } from './heartbeat.ts'

test('a thread at rest beats twice a second, and often enough for a short hang time-out', () => {
  assert.equal(heartbeatIntervalMsMax(20_000), 500)
  assert.equal(heartbeatIntervalMsMax(1_000), 250)
  assert.equal(heartbeatIntervalMsMax(100), 80)
})

test('a thread beats often while it works and seldom while it rests, and tidies up once when it has rested for a while', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let activeMs = 0
  let idleMs = 0
  t.mock.method(performance, 'eventLoopUtilization', (now?: { idle: number; active: number }, before?: { idle: number; active: number }) => {
    const idle = (now?.idle ?? idleMs) - (before?.idle ?? 0)
    const active = (now?.active ?? activeMs) - (before?.active ?? 0)
    return { idle, active, utilization: active / (idle + active) }
  })
  let beats = 0
  let tidied = 0
  beatRegularly(
    { beat: () => beats++ },
    500,
    () => {},
    () => tidied++,
  )
  const beatsWithin = (ms: number, worked: number): number => {
    const before = beats
    for (let passed = 0; passed < ms; passed += 10) {
      activeMs += 10 * worked
      idleMs += 10 * (1 - worked)
      t.mock.timers.tick(10)
    }
    return beats - before
  }
  assert.ok(beatsWithin(800, 1) >= 9)
  assert.ok(beatsWithin(2_000, 0.01) <= 6)
  assert.ok(beatsWithin(2_000, 0.5) >= 15)
  assert.equal(tidied, 0)
  beatsWithin(30_000, 0.01)
  assert.equal(tidied, 1)
  beatsWithin(1_000, 0.5)
  beatsWithin(10_000, 0.01)
  assert.equal(tidied, 1)
  beatsWithin(60_000, 0.01)
  assert.equal(tidied, 2)
})
