import assert from 'node:assert/strict'
import { it } from 'node:test'
import { within } from './within.ts'

it('a wait ends with what was waited for, or with the message when the time is over', async () => {
  assert.equal(await within(60_000, Promise.resolve(1), 'too late'), 1)
  await assert.rejects(within(60_000, Promise.reject(new Error('wrong')), 'too late'), /wrong/)
  await assert.rejects(within(1, new Promise(() => undefined), 'too late'), /too late/)
})
