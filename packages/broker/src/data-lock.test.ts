import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { lockDataDir, lockPath } from './data-lock.ts'
import { temporaryFolder } from './fixtures/temporary-folder.ts'

test('refuses a second holder and frees the folder again', (t) => {
  const dataDir = temporaryFolder(t)
  const unlock = lockDataDir(dataDir)
  assert.throws(() => lockDataDir(dataDir), { code: 'BROKER_LOCKED' })
  unlock()
  assert.equal(existsSync(lockPath(dataDir)), false)
  lockDataDir(dataDir)()
})

test('takes over the lock of a process that is gone', async (t) => {
  const dataDir = temporaryFolder(t)
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  writeFileSync(lockPath(dataDir), JSON.stringify({ pid: child.pid, startedAt: '1', bootId: 'b' }))
  lockDataDir(dataDir)()
})

test('takes over a lock whose process number now belongs to another process', { skip: process.platform !== 'linux' && 'needs /proc' }, (t) => {
  const dataDir = temporaryFolder(t)
  const unlock = lockDataDir(dataDir)
  const holder = JSON.parse(readFileSync(lockPath(dataDir), 'utf8')) as { startedAt: string }
  unlock()
  writeFileSync(lockPath(dataDir), JSON.stringify({ ...holder, startedAt: '1' }))
  lockDataDir(dataDir)()
})

test('takes over a lock that cannot be read', (t) => {
  const dataDir = temporaryFolder(t)
  writeFileSync(lockPath(dataDir), 'garbage')
  lockDataDir(dataDir)()
})
