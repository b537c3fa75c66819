import assert from 'node:assert/strict'
import type { watch } from 'node:fs'
import { appendFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Logger } from '@millrace/api'
import { waitFor } from '@millrace/testing'
import { type FileWatch, watchFile } from './file-watch.ts'

const skip = process.platform !== 'linux'

let folder: string
let file: string
let watched: FileWatch | null = null
const said: string[] = []

const ignore = (): void => {}
const logger: Logger = { isDebugEnabled: true, trace: ignore, debug: (message) => said.push(message), info: ignore, warn: ignore, error: ignore }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-watch-'))
  file = join(folder, 'input.txt')
  writeFileSync(file, 'one\n')
  said.length = 0
})

afterEach(() => {
  watched?.close()
  watched = null
  rmSync(folder, { recursive: true })
})

const changes: Readonly<Record<string, () => void>> = {
  'is appended to': () => appendFileSync(file, 'two\n'),
  'is truncated': () => truncateSync(file, 0),
  'is moved away': () => renameSync(file, `${file}.1`),
  'is removed': () => unlinkSync(file),
  'is replaced': () => {
    writeFileSync(`${file}.new`, 'new\n')
    renameSync(`${file}.new`, file)
  },
}

for (const [what, change] of Object.entries(changes)) {
  test(`tells when a file ${what}`, { skip }, async () => {
    watched = await watchFile(file, logger)
    assert.equal(watched?.hasChanged, false)
    change()
    await waitFor(() => watched?.hasChanged, { what: 'the kernel to tell of the change' })
  })
}

test('does not watch what a symbolic link names, as the link may change', { skip }, async () => {
  symlinkSync(file, `${file}.link`)
  assert.equal(await watchFile(`${file}.link`, logger), null)
})

test('does not watch files of other than local file systems', { skip }, async () => {
  assert.equal(await watchFile('/proc/version', logger), null)
  assert.deepEqual(said, [])
})

test('says at debug that there are no watches left', { skip }, async () => {
  const exhausted = (() => {
    throw Object.assign(new Error('System limit for number of file watchers reached'), { code: 'ENOSPC' })
  }) as typeof watch
  assert.equal(await watchFile(file, logger, exhausted), null)
  assert.deepEqual(said, [`File ${file} cannot be watched; it is looked at once a second`])
})
