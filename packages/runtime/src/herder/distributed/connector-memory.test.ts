import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queryObjects } from 'node:v8'
import { startEmbeddedWorkers, temporaryFolder, waitFor } from '@millrace/testing'

/* Connectors come and go for months: what was deleted must leave next to nothing in the worker. */

const ROUNDS = 10
/** For the fetches of the moment, and the few bytes of each offset, which stays. */
const BYTES_MAX = 256 * 1024

/** Collects garbage, too. */
function kept(): { readonly maps: number; readonly sets: number; readonly arrayBytes: number } {
  const [maps, sets] = [Map, Set].map((type) => queryObjects(type, { format: 'count' }))
  return { maps: maps ?? 0, sets: sets ?? 0, arrayBytes: process.memoryUsage().arrayBuffers }
}

test('a connector that is deleted leaves nothing in its worker but its offsets', async (t) => {
  const cluster = await startEmbeddedWorkers({
    folder: temporaryFolder(t),
    plugins: [new URL('../../testing-plugins/package.json', import.meta.url)],
    workerProperties: { 'offset.flush.interval.ms': '20' },
  })
  t.after(() => cluster.close())
  const { client } = await cluster.startWorker()
  let count = 0
  const comeAndGo = async (): Promise<void> => {
    const name = `connector-${++count}`
    await client.createConnector({
      name,
      config: { 'connector.class': 'MisbehavingSource', topic: 'records', 'tasks.max': '1', 'poll.interval.ms': '5' },
    })
    await waitFor(async () => (await client.connectorOffsets(name)).offsets.length > 0, { what: 'its first offset' })
    await client.deleteConnector(name)
    const isForgotten = () =>
      client.connectorStatus(name).then(
        () => false,
        () => true,
      )
    await waitFor(isForgotten, { what: 'its state to be gone' })
  }
  for (let round = 0; round < ROUNDS; round++) await comeAndGo()
  const before = kept()
  for (let round = 0; round < ROUNDS; round++) await comeAndGo()
  const after = kept()
  t.diagnostic(JSON.stringify({ before, after }))
  // One for each connector would be as many as there were rounds.
  assert.ok(after.maps - before.maps < ROUNDS / 2, `${after.maps - before.maps} maps more`)
  assert.ok(after.sets - before.sets < ROUNDS / 2, `${after.sets - before.sets} sets more`)
  assert.ok(after.arrayBytes - before.arrayBytes < BYTES_MAX, `${after.arrayBytes - before.arrayBytes} bytes more`)
})
