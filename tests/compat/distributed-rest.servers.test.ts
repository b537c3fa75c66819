import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { startKafkaServer } from '../servers/kafka-server.ts'
import { skipWithoutPeer } from '../servers/peer.ts'
import { startWorker } from '../system/millrace-process.ts'
import { compareWorker } from './distributed-comparison.ts'
import { recordedAnswers, recordJavaAnswers, WORKER_PROPERTIES, writeInput } from './distributed-recording.ts'

test('the worker of a cluster answers as the one of Kafka Connect 4.3.1 beside it', { skip: skipWithoutPeer(), timeout: 600_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const kafka = await startKafkaServer({ folder: join(folder, 'kafka') })
  t.after(() => kafka.stop())
  const theirs = await recordJavaAnswers(join(folder, 'java'), kafka.bootstrapServers)
  await t.test('which answers as it was recorded', () => assert.deepEqual(theirs, recordedAnswers()))
  // The same names of group and topics, on a cluster without a trace of the first worker.
  const own = await startKafkaServer({ folder: join(folder, 'own') })
  t.after(() => own.stop())
  writeInput(join(folder, 'worker'))
  const { bootstrapServers } = own
  const worker = await startWorker({ mode: 'distributed', folder: join(folder, 'worker'), bootstrapServers, properties: WORKER_PROPERTIES })
  t.after(() => worker.killAtOnce())
  await compareWorker(t, worker.url, theirs)
})
