import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { startMillraceBroker } from '../system/broker-under-test.ts'
import { startWorker } from '../system/millrace-process.ts'
import { compareWorker } from './distributed-comparison.ts'
import { recordedAnswers, WORKER_PROPERTIES, writeInput } from './distributed-recording.ts'

test('a worker of a cluster answers as one of Kafka Connect 4.3.1 did', { timeout: 300_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const broker = await startMillraceBroker({ folder: join(folder, 'broker') })
  t.after(() => broker.stop())
  writeInput(join(folder, 'worker'))
  const { bootstrapServers } = broker
  const worker = await startWorker({ mode: 'distributed', folder: join(folder, 'worker'), bootstrapServers, properties: WORKER_PROPERTIES })
  t.after(() => worker.killAtOnce())
  await compareWorker(t, worker.url, recordedAnswers())
})
