import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CreateConnectorRequest } from '@millrace/rest-api'
import { temporaryFolder } from '@millrace/testing'
import { startMillraceBroker } from './broker-under-test.ts'
import { startWorker } from './millrace-process.ts'

const guides = join(import.meta.dirname, '..', '..', 'docs', 'guides')

for (const guide of ['operate.md', 'monitor.md', 'move-from-java-connect.md']) {
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

test('the connectors of dead-letters.md are accepted, and its commands do what they say', async (t) => {
  const folder = temporaryFolder(t)
  const text = readFileSync(join(guides, 'dead-letters.md'), 'utf8')
  const connectors = blocks(text, 'json').map((block) => JSON.parse(block) as CreateConnectorRequest)
  assert.deepEqual(
    connectors.map(({ name }) => name),
    ['orders-to-file', 'customers-to-file', 'lines'],
  )
  const worker = await startWorker({ folder, bootstrapServers: 'embedded' })
  t.after(() => worker.killAtOnce())
  writeFileSync(join(folder, 'lines.txt'), '')
  for (const { name, config } of connectors) {
    await worker.client.createConnector({ name, config: { ...config, file: config['file']!.replace('/tmp', folder) } })
    await worker.untilState(name, 'RUNNING')
  }
  for (const commands of blocks(text, 'sh')) {
    const { status, stdout, stderr } = spawnSync('sh', ['-euc', commands.replaceAll('http://localhost:8083', worker.url)], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /"dead_lettered":0/)
  }
})

function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)\n\`\`\`$`, 'gms'))].map(([, block = '']) => block)
}
