import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { startBroker } from '@millrace/broker'
import { temporaryFolder } from '@millrace/testing'
import type { Properties } from '../config/client-properties.ts'
import { silentLogger } from '../logger.ts'
import { Producer } from './producer.ts'

const VALUE = Buffer.from('a value that compresses well, because it is always the same '.repeat(2))

/** Sends so many values, and returns how large the batches were in the second half, on the wire and in records. */
async function sent(t: TestContext, records: number, properties: Properties): Promise<{ readonly bytes: number; readonly records: number }> {
  const folder = temporaryFolder(t)
  const broker = await startBroker({ port: 0, dataDir: folder, logger: silentLogger })
  t.after(() => broker.close())
  const producer = new Producer({ 'bootstrap.servers': `${broker.host}:${broker.port}`, 'linger.ms': '60000', ...properties }, { logger: silentLogger })
  t.after(() => producer.close({ timeoutMs: 0 }))
  for (let half = 0; half < 2; half++) {
    const { batchesSent, bytesSent } = producer.metrics
    for (let index = 0; index < records / 2; index++) {
      if (!producer.hasRoom()) await producer.room()
      producer.send('compressed', null, 0, null, VALUE, null, null)
      // The estimate follows what has been sent.
      if (index % 500 === 499) await new Promise(setImmediate)
    }
    await producer.flush()
    assert.equal(producer.metrics.recordsFailed, 0)
    const batches = producer.metrics.batchesSent - batchesSent
    if (half === 1) return { bytes: (producer.metrics.bytesSent - bytesSent) / batches, records: records / 2 / batches }
  }
  throw new Error('never comes here')
}

test('batch.size holds for compressed bytes', async (t) => {
  const { bytes, records } = await sent(t, 200_000, { 'batch.size': '4096', 'compression.type': 'zstd' })
  assert.ok(records * VALUE.length > 4 * 4096, `${records} records in a batch`)
  assert.ok(bytes <= 4096, `${bytes} bytes in a batch`)
})

test('a batch is no larger in memory than a request may be, however well it compresses', async (t) => {
  const { records } = await sent(t, 60_000, { 'batch.size': '4096', 'compression.type': 'zstd', 'max.request.size': '20000' })
  assert.ok(records * VALUE.length < 20_000, `${records} records in a batch`)
  assert.ok(records * VALUE.length > 4096, `${records} records in a batch`)
})

test('without compression, batches are as large as batch.size', async (t) => {
  const { bytes } = await sent(t, 10_000, { 'batch.size': '4096' })
  assert.ok(bytes > 3000 && bytes <= 4096, `${bytes} bytes in a batch`)
})
