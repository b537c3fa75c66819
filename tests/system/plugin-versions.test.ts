import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startEmbeddedCluster, temporaryFolder, waitFor } from '@millrace/testing'
import { topicValues } from './topic.ts'

/** A source that says once what the module `greeting` says, and a converter that adds what its own says. Each package has a tree of modules of its own. */
const CODE = `
import { ConfigDef } from '@millrace/api'
import { greeting } from 'greeting'

export class GreetingSourceConnector {
  config() { return new ConfigDef().define('topic', { type: 'STRING', importance: 'HIGH', documentation: 'Where to.' }) }
  start(properties) { this.properties = properties }
  taskClass() { return GreetingSourceTask }
  taskConfigs() { return [this.properties] }
  stop() {}
}

class GreetingSourceTask {
  start({ topic }) { this.left = [{ topic, partition: null, key: null, keySchema: null, value: greeting, valueSchema: null, headers: [], timestamp: null, sourcePartition: {}, sourceOffset: { n: 1 } }] }
  poll() { return this.left.splice(0) }
  stop() {}
}

export class GreetingConverter {
  config() { return new ConfigDef() }
  configure() {}
  fromConnectData(_topic, _schema, value) { return Buffer.from(value + ' converted by ' + greeting) }
  toConnectData() { throw new Error('not needed') }
}
`

function writePlugin(folder: string, version: string): void {
  const root = join(folder, `greeting-${version}`)
  const modules = join(root, 'node_modules')
  mkdirSync(join(modules, 'greeting'), { recursive: true })
  mkdirSync(join(modules, '@millrace'))
  symlinkSync(join(import.meta.dirname, '..', '..', 'packages', 'api'), join(modules, '@millrace', 'api'))
  writeFileSync(join(modules, 'greeting', 'package.json'), JSON.stringify({ name: 'greeting', version, type: 'module', main: './index.js' }))
  writeFileSync(join(modules, 'greeting', 'index.js'), `export const greeting = 'hello from ${version}'\n`)
  writeFileSync(join(root, 'index.js'), CODE)
  const plugins = [
    { kind: 'source', names: ['test.GreetingSourceConnector'], version, export: 'GreetingSourceConnector' },
    { kind: 'converter', names: ['test.GreetingConverter'], version, export: 'GreetingConverter' },
  ]
  writeFileSync(
    join(root, 'package.json'),
    JSON.stringify({ name: 'greeting-plugin', version, type: 'module', main: './index.js', millrace: { api: '^0.1.0', plugins } }),
  )
}

test('versions of a plugin run side by side in one worker, each with its own modules', async (t) => {
  const folder = temporaryFolder(t)
  const plugins = join(folder, 'plugins')
  for (const version of ['1.0', '1.5', '2.0']) writePlugin(plugins, version)
  const cluster = await startEmbeddedCluster({ folder, plugins: [], workerProperties: { 'plugin.path': plugins } })
  t.after(() => cluster.close())
  const { client } = cluster

  const listed = (await client.connectorPlugins()).filter((plugin) => plugin.class === 'test.GreetingSourceConnector')
  assert.deepEqual(
    listed.map(({ version }) => version),
    ['1.0', '1.5', '2.0'],
  )
  const create = (name: string, config: Record<string, string>) =>
    client.createConnector({ name, config: { 'connector.class': 'GreetingSource', topic: name, 'value.converter': 'GreetingConverter', ...config } })
  await create('one', { 'connector.plugin.version': '1.0' })
  await create('below-two', { 'connector.plugin.version': '[1.0,2.0)' })
  await create('latest', {})
  await create('mixed', { 'connector.plugin.version': '1.0', 'value.converter.plugin.version': '2.0' })
  // Without a version of its own, the converter is the one that came with the connector.
  const expected = { one: ['1.0', '1.0'], 'below-two': ['1.5', '1.5'], latest: ['2.0', '2.0'], mixed: ['1.0', '2.0'] }
  for (const [name, [source, converter]] of Object.entries(expected)) {
    await cluster.untilState(name, 'RUNNING')
    const values = await waitFor(
      async () => {
        const found = await topicValues(cluster.bootstrapServers, name).catch(() => [])
        return found.length > 0 && found
      },
      { what: `the greeting of "${name}"`, describe: () => cluster.describe(name) },
    )
    assert.deepEqual(values, [`hello from ${source} converted by hello from ${converter}`])
    const status = await client.connectorStatus(name)
    assert.deepEqual([status.connector.version, status.tasks[0]?.version], [source, source])
  }

  await assert.rejects(create('none', { 'connector.plugin.version': '[3.0,)' }), {
    status: 400,
    message: /Plugin test.GreetingSourceConnector not found that matches the version range \[3.0,\), available versions: \[1.0, 1.5, 2.0\]/,
  })
  await assert.rejects(create('broken', { 'connector.plugin.version': '[1.0' }), { status: 400, message: /Unbounded range: \[1.0/ })
  const keys = await client.pluginConfig('GreetingSource', '1.0')
  assert.ok(keys.some(({ name }) => name === 'topic'))
  await assert.rejects(client.pluginConfig('GreetingSource', '9.0'), { status: 400 })
})
