import assert from 'node:assert/strict'
import { test } from 'node:test'
import { supervisionConfig } from './supervision-config.ts'

test("a connector's own settings count over the worker's, and those over the defaults", () => {
  assert.deepEqual(supervisionConfig({}, {}), {
    stall: { timeoutMs: 300_000, action: 'none' },
    restart: { isEnabled: false, attemptsMax: 10, delayMs: 1_000, delayMaxMs: 300_000, resetAfterMs: 600_000 },
  })
  const worker = { 'millrace.restart.enable': 'true', 'millrace.restart.max': '3', 'millrace.stall.action': 'fail' }
  const { stall, restart } = supervisionConfig({ 'millrace.restart.enable': 'false', 'millrace.stall.timeout.ms': '0' }, worker)
  assert.deepEqual([restart.isEnabled, restart.attemptsMax, stall], [false, 3, { timeoutMs: 0, action: 'fail' }])
})
