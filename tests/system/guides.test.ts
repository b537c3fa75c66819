import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { startMillraceBroker } from './broker-under-test.ts'
import { startWorker } from './millrace-process.ts'

const guides = join(import.meta.dirname, '..', '..', 'docs', 'guides')

for (const guide of ['operate.md', 'move-from-java-connect.md']) {
  test(`the worker's file of ${guide} starts a worker, and its commands do what they say`, async (t) => {
    const folder = temporaryFolder(t)
    const text = readFileSync(join(guides, guide), 'utf8')
    const [file] = blocks(text, 'properties')
    assert.ok(file !== undefined)
    const broker = await startMillraceBroker({ folder: join(folder, 'broker') })
    t.after(() => broker.stop())
    // Only addresses differ from what the guide says.
    const { listeners: _, 'bootstrap.servers': __, ...properties } = Object.fromEntries(file.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)))
    const worker = await startWorker({ mode: 'distributed', folder: join(folder, 'worker'), bootstrapServers: broker.bootstrapServers, properties })
    t.after(() => worker.killAtOnce())
    for (const commands of blocks(text, 'sh')) {
      const script = commands
        .replaceAll('localhost:8083', new URL(worker.url).host)
        .replaceAll('curl ', 'curl --fail-with-body --silent --show-error --retry-all-errors --retry 20 --retry-delay 1 ')
      const { status, stdout, stderr } = spawnSync('sh', ['-euc', script], { encoding: 'utf8' })
      assert.equal(status, 0, `${commands}\n${stdout}\n${stderr}\n${worker.process.output.slice(-2000)}`)
    }
  })
}

function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)\n\`\`\`$`, 'gms'))].map(([, block = '']) => block)
}
