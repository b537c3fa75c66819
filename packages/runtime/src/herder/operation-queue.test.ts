import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OperationQueue } from './operation-queue.ts'

const never = (): Promise<never> => new Promise(() => undefined)

describe('the queue of operations', () => {
  it('runs those of one connector one after another, in order', async () => {
    const queue = new OperationQueue()
    const events: string[] = []
    const gate = Promise.withResolvers<void>()
    const first = queue.run('a', async () => {
      events.push('first begins')
      await gate.promise
      events.push('first ends')
    })
    const second = queue.run('a', async () => void events.push('second'))
    await queue.run('b', async () => void events.push('other'))
    gate.resolve()
    await Promise.all([first, second])
    assert.deepEqual(events, ['first begins', 'other', 'first ends', 'second'])
  })

  it('goes on after one that fails', async () => {
    const queue = new OperationQueue()
    const failing = queue.run('a', async () => {
      throw new Error('no')
    })
    const next = queue.run('a', async () => 'yes')
    await assert.rejects(failing, /no/)
    assert.equal(await next, 'yes')
  })

  it('tells a caller that waits too long what the worker is doing', async () => {
    const queue = new OperationQueue({ timeoutMs: 5, now: () => 1_700_000_000_000 })
    const hanging = queue.run('a', (stage) => {
      stage('stopping tasks of connector a')
      return never()
    })
    const behind = queue.run('a', async () => 1)
    await assert.rejects(hanging, {
      status: 500,
      message: 'Request timed out. The worker is currently stopping tasks of connector a, which began at 2023-11-14T22:13:20.000Z.',
    })
    await assert.rejects(behind, /Request timed out\. The worker is currently waiting for earlier requests for this connector to end/)
    assert.equal(await queue.run('b', async () => 2), 2)
  })

  it('has room for so many and no more', async () => {
    const queue = new OperationQueue({ timeoutMs: 5, lengthMax: 2 })
    const waiting = [queue.run('a', never), queue.run('a', never)]
    await assert.rejects(queue.run('a', never), { status: 503, message: 'Too many requests for connector a are waiting already' })
    for (const each of waiting) await assert.rejects(each, /timed out/)
  })

  it('has room again when operations have ended', async () => {
    const queue = new OperationQueue({ lengthMax: 2 })
    for (let round = 0; round < 5; round++) await Promise.all([queue.run('a', async () => undefined), queue.run('a', async () => undefined)])
    await queue.idle()
  })
})
