import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { skipWithoutPeer } from '../servers/peer.ts'
import { startMillraceBroker } from '../system/broker-under-test.ts'
import { javaMetrics, recordedLines, recordingFile } from './metrics-suite.ts'

// MILLRACE_RECORD=1 records what is there.
test('the metrics that ours are compared with are those of the Java worker', { skip: skipWithoutPeer(), timeout: 300_000 }, async (t) => {
  const folder = temporaryFolder(t)
  const broker = await startMillraceBroker({ folder: join(folder, 'broker') })
  t.after(() => broker.stop())
  const found = await javaMetrics(join(folder, 'java'), broker.bootstrapServers)
  if (process.env['MILLRACE_RECORD'] === '1') writeFileSync(recordingFile, `${found.join('\n')}\n`)
  assert.deepEqual(found, recordedLines())
})
