import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { startJavaConnect } from '../servers/java-connect.ts'
import { skipWithoutPeer } from '../servers/peer.ts'
import { startMillraceBroker } from '../system/broker-under-test.ts'
import { comparableLetters, deadLettersOf } from './dead-letters-suite.ts'

test('the dead letters that ours are compared with are those of the Java worker', { skip: skipWithoutPeer() }, async (t) => {
  const folder = temporaryFolder(t)
  const broker = await startMillraceBroker({ folder: join(folder, 'broker') })
  t.after(() => broker.stop())
  const java = await startJavaConnect({
    mode: 'standalone',
    folder: join(folder, 'java'),
    bootstrapServers: broker.bootstrapServers,
    properties: { 'offset.flush.interval.ms': '1000' },
  })
  t.after(() => java.stop())
  const letters = await deadLettersOf(java.url, broker.bootstrapServers, folder)
  const comparable = Object.fromEntries(Object.entries(letters).map(([name, each]) => [name, comparableLetters(each)]))
  assert.deepEqual(comparable, JSON.parse(readFileSync(new URL('dead-letters.json', import.meta.url), 'utf8')))
})
