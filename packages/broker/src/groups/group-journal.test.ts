import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { brokerConfig } from '../config/broker-config.ts'
import { Faults } from '../faults.ts'
import { recordingLogger } from '../fixtures/recording-logger.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { type JournalEntry, openGroupJournal } from './group-journal.ts'

const FILE = 'groups.journal'

function open(dataDir: string, faults = new Faults()) {
  const replayed: JournalEntry[] = []
  const logger = recordingLogger()
  const journal = openGroupJournal({ dataDir, config: brokerConfig({}, logger), faults, logger }, (entry) => replayed.push(entry))
  return { journal, replayed, logger }
}

const entry = (offset: number): JournalEntry => ({ kind: 'offsets', groupId: 'g', committedAt: 1, offsets: [['topic', 0, offset, -1, 'm\n"é']] })

test('replays entries in their order', (t) => {
  const dataDir = temporaryFolder(t)
  const { journal, replayed } = open(dataDir)
  assert.deepEqual(replayed, [])
  for (let i = 0; i < 3; i++) journal.append(entry(i))
  journal.close()
  assert.deepEqual(open(dataDir).replayed, [entry(0), entry(1), entry(2)])
})

test('drops a torn last line, whatever its length', (t) => {
  const dataDir = temporaryFolder(t)
  const { journal } = open(dataDir)
  journal.append(entry(0))
  const wholeBytes = readFileSync(join(dataDir, FILE)).length
  journal.append(entry(1))
  journal.close()
  const end = readFileSync(join(dataDir, FILE)).length
  for (let bytes = wholeBytes; bytes < end; bytes++) {
    const copy = join(temporaryFolder(t), 'copy')
    mkdirSync(copy)
    copyFileSync(join(dataDir, FILE), join(copy, FILE))
    truncateSync(join(copy, FILE), bytes)
    const { journal: recovered, replayed } = open(copy)
    assert.deepEqual(replayed, [entry(0)])
    recovered.append(entry(2))
    recovered.close()
    assert.deepEqual(open(copy).replayed, [entry(0), entry(2)])
  }
})

test('leaves nothing of an entry that could not be written', (t) => {
  const dataDir = temporaryFolder(t)
  const faults = new Faults()
  const { journal } = open(dataDir, faults)
  journal.append(entry(0))
  faults.arm({ kind: 'disk', error: 'ENOSPC', bytesWritten: 20, times: 1 })
  assert.throws(() => journal.append(entry(1)), { code: 'ENOSPC' })
  journal.append(entry(2))
  journal.close()
  assert.deepEqual(open(dataDir).replayed, [entry(0), entry(2)])
})

test('is rewritten with the present state when it has grown', (t) => {
  const dataDir = temporaryFolder(t)
  const { journal } = open(dataDir)
  let last = 0
  while (!journal.isRewriteDue) journal.append(entry(++last))
  journal.rewrite([entry(last)])
  assert.equal(journal.isRewriteDue, false)
  journal.append(entry(last + 1))
  journal.close()
  assert.ok(readFileSync(join(dataDir, FILE)).length < 1000)
  assert.deepEqual(open(dataDir).replayed, [entry(last), entry(last + 1)])
})
