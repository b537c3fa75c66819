import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Logger } from '@millrace/api'
import { offsetStoreConformance } from '@millrace/testing'
import { FileOffsetStore } from './file-offset-store.ts'
import { readJavaHashMap } from './java-hash-map.ts'

const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn() {}, error() {} }

offsetStoreConformance('file', {
  place: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-offsets-'))
    return {
      open: () => new FileOffsetStore({ file: join(folder, 'connect.offsets'), logger }),
      isDurable: true,
      remove: () => rm(folder, { recursive: true }),
    }
  },
})

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-offsets-'))
  try {
    await test(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function started(file: string): Promise<FileOffsetStore> {
  const store = new FileOffsetStore({ file, logger })
  await store.start()
  return store
}

const entry = { key: Buffer.from('["c",{"p":1}]'), value: Buffer.from('{"o":1}') }

describe('the offset file', () => {
  it('is read as the standalone worker wrote it', async () => {
    const store = await started(new URL('./test-data/standalone-worker.offsets', import.meta.url).pathname)
    const [value] = await store.get([Buffer.from('["orders",{"filename":"/tmp/orders.txt"}]')])
    assert.equal(value?.toString(), '{"position":19}')
  })

  it('may be missing or empty at first', () =>
    inFolder(async (folder) => {
      await started(join(folder, 'missing'))
      await writeFile(join(folder, 'empty'), '')
      const store = await started(join(folder, 'empty'))
      await store.set([entry])
      assert.equal(readJavaHashMap(await readFile(join(folder, 'empty'))).length, 1)
    }))

  it('warns once where another worker writes it, too', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'offsets')
      const warnings: string[] = []
      const ours = new FileOffsetStore({ file, logger: { ...logger, warn: (message) => void warnings.push(message) } })
      await ours.start()
      await ours.set([entry])
      await ours.set([entry])
      assert.deepEqual(warnings, [])
      const theirs = await started(file)
      await theirs.set([{ ...entry, value: Buffer.from('{"o":2}') }])
      await ours.set([entry])
      await theirs.set([entry])
      await ours.set([entry])
      assert.equal(warnings.length, 1)
      assert.match(warnings[0] ?? '', /was changed by someone else .* give each worker a file of its own/)
    }))

  it('is refused when it is damaged, and stays as it is', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'offsets')
      const good = await readFile(new URL('./test-data/standalone-worker.offsets', import.meta.url))
      for (const bytes of [good.subarray(0, good.length - 5), Buffer.from('{"text": 1}'), Buffer.concat([good, good])]) {
        await writeFile(file, bytes)
        await assert.rejects(started(file), /Offset file ".*offsets" \(offset\.storage\.file\.filename\) is damaged or no offset file: .* It was left as it is/)
        assert.deepEqual(await readFile(file), bytes)
      }
    }))

  it('is refused when it cannot be read', () =>
    inFolder(async (folder) => {
      await mkdir(join(folder, 'folder'))
      await assert.rejects(started(join(folder, 'folder')), /cannot be read/)
    }))

  it('is replaced as a whole, keeping its mode and leaving nothing else behind', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'offsets')
      await writeFile(file, '')
      await chmod(file, 0o600)
      const store = await started(file)
      await store.set([entry])
      assert.deepEqual(await readdir(folder), ['offsets'])
      assert.equal((await stat(file)).mode & 0o777, 0o600)
    }))

  it('stays behind the link that names it', () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, 'real'), '')
      await symlink(join(folder, 'real'), join(folder, 'link'))
      const store = await started(join(folder, 'link'))
      await store.set([entry])
      assert.equal(readJavaHashMap(await readFile(join(folder, 'real'))).length, 1)
    }))

  it('that cannot be written fails the write with its name, and the next write tries everything again', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'sub', 'offsets')
      const store = await started(file)
      await assert.rejects(store.set([entry]), /Offsets could not be written to ".*sub.offsets"/)
      await mkdir(join(folder, 'sub'))
      await store.set([{ key: Buffer.from('["c",{"p":2}]'), value: Buffer.from('{"o":2}') }])
      assert.equal(readJavaHashMap(await readFile(file)).length, 2)
    }))
})
