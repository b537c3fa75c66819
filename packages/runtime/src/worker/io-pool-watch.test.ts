import assert from 'node:assert/strict'
import test from 'node:test'
import type { Logger } from '@millrace/api'
import { IoPoolWatch, type PoolUser } from './io-pool-watch.ts'

const quiet: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn() {}, error() {} }

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > deadline) assert.fail('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('blames the thread with most requests, then only those who shared it, and nobody after that', async () => {
  const blamed: string[] = []
  const user = (name: string, requests: number, isSuspect: boolean): PoolUser => ({
    isSuspect,
    poolRequests: async () => requests,
    blame: (failure) => void blamed.push(`${name} ${failure.code}`),
  })
  let users = [user('a', 2, false), user('b', 64, false), user('c', 0, false)]
  let probes = 0
  const watch = new IoPoolWatch({ users: () => users, timeoutMs: 40, logger: quiet, probe: () => void probes++ })
  await until(() => blamed.length === 1)
  users = [user('a', 99, false), user('b1', 1, true), user('b2', 30, true)]
  await until(() => blamed.length === 2)
  const ticks = performance.now() + 200
  await until(() => performance.now() > ticks)
  assert.deepEqual(blamed, ['b TASK_FLOODS_POOL', 'b2 TASK_FLOODS_POOL'])
  assert.equal(probes, 1)
  watch.close()
})

test('blames nobody while the pool answers', async () => {
  const blamed: string[] = []
  let probes = 0
  const watch = new IoPoolWatch({
    users: () => [{ isSuspect: false, poolRequests: async () => 64, blame: () => void blamed.push('a') }],
    timeoutMs: 20,
    logger: quiet,
    probe(done) {
      probes++
      setImmediate(done)
    },
  })
  await until(() => probes > 10)
  assert.deepEqual(blamed, [])
  watch.close()
})
