import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { brokerSoak } from './broker-soak.ts'

const MIB = 1024 * 1024

test('many topics and much log fit into little memory, also after the broker was killed', {
  skip: process.platform !== 'linux' && 'needs /proc',
}, async (t) => {
  const { rss, bytesRead } = await brokerSoak({
    folder: temporaryFolder(t),
    topics: 150,
    bytes: 300_000_000,
    idleMs: 1500,
    report: (line) => t.diagnostic(line),
  })
  assert.equal(bytesRead, 300_000_000)
  // The log alone is larger than what the broker may take, twice.
  assert.ok(rss.peak < 260 * MIB, `peak ${rss.peak / MIB} MiB`)
  assert.ok(rss.peakAfterRestart < 260 * MIB, `peak after the restart ${rss.peakAfterRestart / MIB} MiB`)
})
