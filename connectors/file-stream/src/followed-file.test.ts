import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { FollowedFile, WATCHED_LOOK_MS } from './followed-file.ts'

let folder: string
let file: string
let followed: FollowedFile
let nowMs = 0
/** Those that were ever asked for. */
let watches: { hasChanged: boolean; isClosed: boolean }[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-followed-'))
  file = join(folder, 'input.txt')
  writeFileSync(file, '')
  watches = []
  followed = await FollowedFile.open(file, 0, { watch: async () => newWatch(), nowMs: () => nowMs })
})

afterEach(async () => {
  await followed.close()
  rmSync(folder, { recursive: true })
})

function newWatch() {
  const watch = {
    hasChanged: false,
    isClosed: false,
    close() {
      watch.isClosed = true
    },
  }
  watches.push(watch)
  return watch
}

/** Looks as often as it takes until the file is watched, and once after that. */
async function rest(): Promise<void> {
  const before = watches.length
  for (let looks = 0; looks < 20 && watches.length === before; looks++) assert.equal(await read(), null)
  assert.equal(watches.length, before + 1)
}

async function read(): Promise<string | null> {
  const bytes = await followed.read()
  if (bytes === null) await followed.restart()
  return bytes?.toString() ?? null
}

test('looks at a watched file only when the kernel tells of a change', async () => {
  await rest()
  appendFileSync(file, 'one\n')
  assert.equal(await read(), null)
  const [watch] = watches
  watch!.hasChanged = true
  assert.equal(await read(), 'one\n')
  assert.equal(watch?.isClosed, true)
  await rest()
})

test('finds what came just before the watch', async () => {
  await followed.close()
  followed = await FollowedFile.open(file, 0, {
    watch: async () => {
      appendFileSync(file, 'one\n')
      return newWatch()
    },
    nowMs: () => nowMs,
  })
  let found: string | null = null
  for (let looks = 0; looks < 20 && found === null; looks++) found = await read()
  assert.equal(found, 'one\n')
  assert.deepEqual(
    watches.map(({ isClosed }) => isClosed),
    [true],
  )
})

test('looks at a watched file now and then nevertheless', async () => {
  await rest()
  renameSync(file, `${file}.1`)
  writeFileSync(file, 'new\n')
  nowMs += WATCHED_LOOK_MS - 1
  assert.equal(await read(), null)
  assert.equal(watches[0]?.isClosed, false)
  nowMs += 1
  assert.equal(await read(), null)
  assert.equal(watches[0]?.isClosed, true)
  // A file that was replaced is left at the second look.
  assert.equal(await read(), null)
  assert.equal(await read(), 'new\n')
})

test('looks each time at a file that cannot be watched, and asks for no other watch', async () => {
  await followed.close()
  let asked = 0
  followed = await FollowedFile.open(file, 0, {
    watch: async () => {
      asked++
      return null
    },
    nowMs: () => nowMs,
  })
  for (let looks = 0; looks < 50; looks++) assert.equal(await read(), null)
  assert.equal(asked, 1)
  appendFileSync(file, 'one\n')
  assert.equal(await read(), 'one\n')
})
