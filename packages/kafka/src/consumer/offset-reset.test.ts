import assert from 'node:assert/strict'
import test from 'node:test'
import { startBroker } from '@millrace/broker'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { Admin } from '../admin/admin.ts'
import { silentLogger as logger } from '../logger.ts'
import { Producer } from '../producer/producer.ts'
import { Consumer } from './consumer.ts'

const HOUR_MS = 3_600_000
const partitions = [
  { topic: 'aged', partition: 0 },
  { topic: 'aged', partition: 1 },
]

test('by_duration begins at the first record that is young enough, and at the end where there is none', async (t) => {
  const endings: (() => void | Promise<void>)[] = []
  const broker = await startBroker({ port: 0, dataDir: temporaryFolder({ after: (action) => endings.push(action) }), logger })
  const base = { 'bootstrap.servers': `${broker.host}:${broker.port}` }
  const admin = new Admin(base, { logger })
  const producer = new Producer(base, { logger })
  const consumer = new Consumer({ ...base, 'auto.offset.reset': 'by_duration:PT2H' }, { logger })
  t.after(async () => {
    await Promise.all([admin.close(), producer.close(), consumer.close()])
    await broker.close()
    for (const end of endings) await end()
  })
  await admin.createTopics([{ name: 'aged', partitions: 2, replicationFactor: 1 }])
  const now = Date.now()
  for (const age of [4, 3, 1, 0]) producer.send('aged', 0, now - age * HOUR_MS, null, `${age} hours old`, null, null)
  for (const age of [5, 4, 3]) producer.send('aged', 1, now - age * HOUR_MS, null, `${age} hours old`, null, null)
  await producer.flush()
  consumer.assign(partitions)
  const values: string[] = []
  const read = async () => {
    for (const records of (await consumer.poll(50)).partitions) {
      while (records.next()) values.push(records.buffer.toString('utf8', records.valueStart, records.valueEnd))
    }
    const positions = await Promise.all(partitions.map((place) => consumer.position(place)))
    return positions[0] === 4 && positions[1] === 3
  }
  await waitFor(read, { what: 'the ends of both partitions', intervalMs: 0, describe: () => values })
  assert.deepEqual(values, ['1 hours old', '0 hours old'])
})
