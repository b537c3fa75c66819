import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { startMillraceBroker } from '../system/broker-under-test.ts'
import { startWorker } from '../system/millrace-process.ts'
import { comparableLetters, type DeadLetter, deadLettersOf, scenarios } from './dead-letters-suite.ts'

/** What Apache Kafka Connect 4.3.1 put into its dead-letter topics. `dead-letters.servers.test.ts` makes sure that it still does. */
const recorded = JSON.parse(readFileSync(new URL('dead-letters.json', import.meta.url), 'utf8')) as Readonly<Record<string, readonly DeadLetter[]>>

test('dead letters are what Kafka Connect 4.3.1 writes', { timeout: 120_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const broker = await startMillraceBroker({ folder: join(folder, 'broker') })
  t.after(() => broker.stop())
  const worker = await startWorker({ folder, bootstrapServers: broker.bootstrapServers, properties: { 'offset.flush.interval.ms': '200' } })
  t.after(() => worker.killAtOnce())
  const letters = await deadLettersOf(worker.url, broker.bootstrapServers, folder)
  for (const { name } of scenarios) await t.test(name, () => assert.deepEqual(comparableLetters(letters[name] ?? []), recorded[name]))
})
