import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigDef, type ConfigProvider, type Logger, type Properties } from '@millrace/api'
import { discoverPlugins } from '../plugins/discover-plugins.ts'
import type { PluginRegistry } from '../plugins/plugin-registry.ts'
import { createPluginRegistry } from '../plugins/plugin-registry.ts'
import { ConfigTransformer, createConfigTransformer, hasReference, resolveWorkerProperties, withReferencesRestored } from './config-transformer.ts'

class FakeProvider implements ConfigProvider {
  readonly asked: string[] = []
  readonly #data: Readonly<Record<string, Properties>>

  constructor(data: Readonly<Record<string, Properties>>) {
    this.#data = data
  }

  config(): ConfigDef {
    return new ConfigDef()
  }

  configure(): void {}

  get(path: string, keys: ReadonlySet<string>): { data: Properties } {
    this.asked.push(`${path}: ${[...keys].join(',')}`)
    const data = this.#data[path]
    if (data === undefined) throw new Error(`no path ${path}`)
    return { data: Object.fromEntries(Object.entries(data).filter(([key]) => keys.has(key))) }
  }
}

function transformer(): { transformer: ConfigTransformer; vault: FakeProvider } {
  const vault = new FakeProvider({ '': { a: '1' }, '/p': { a: '2', 'b:c': '3', again: '${vault:a}' } })
  return { transformer: new ConfigTransformer(new Map([['vault', vault]])), vault }
}

const lines: string[] = []
const note = (message: string): void => void lines.push(message)
const logger: Logger = { isDebugEnabled: false, trace: note, debug: note, info: note, warn: note, error: note }

describe('references in a configuration', () => {
  it('are replaced, several in one value and amid other text', async () => {
    const { transformer: t } = transformer()
    assert.deepEqual(await t.transform({ x: '<${vault:a}|${vault:/p:a}>', y: 'plain', z: null }), { x: '<1|2>', y: 'plain', z: null })
  })

  it('have a key that may hold colons', async () => {
    assert.deepEqual(await transformer().transformer.transform({ x: '${vault:/p:b:c}' }), { x: '3' })
  })

  it('stay as they are written where provider or key is unknown', async () => {
    const written = { x: '${nobody:/p:a}', y: '${vault:/p:zzz}', z: '${vault}', w: '$vault:a' }
    assert.deepEqual(await transformer().transformer.transform(written), written)
  })

  it('are not looked for in what a provider answers', async () => {
    assert.deepEqual(await transformer().transformer.transform({ x: '${vault:/p:again}' }), { x: '${vault:a}' })
  })

  it('ask a provider once per path, for all keys', async () => {
    const { transformer: t, vault } = transformer()
    await t.transform({ x: '${vault:/p:a}${vault:/p:a}', y: '${vault:/p:b:c}', z: '${vault:a}' })
    assert.deepEqual(vault.asked, ['/p: a,b:c', ': a'])
  })

  it('fail where the provider fails', async () => {
    await assert.rejects(transformer().transformer.transform({ x: '${vault:/nope:a}' }), /no path \/nope/)
  })

  it('are recognised', () => {
    assert.deepEqual(
      [hasReference('${a:b}'), hasReference('x ${a:b:c} y'), hasReference('${a}'), hasReference(null), hasReference(undefined)],
      [true, true, false, false, false],
    )
  })

  it('come back in task configurations, for keys of the same name', () => {
    const config = { password: '${vault:/p:a}', file: '/x', nothing: null }
    const tasks: Properties[] = [{ password: '2', file: '/x' }, { other: '2' }]
    assert.deepEqual(withReferencesRestored(tasks, config), [{ password: '${vault:/p:a}', file: '/x' }, { other: '2' }])
  })
})

describe('configuration providers of a worker', () => {
  const registry = (): Promise<PluginRegistry> =>
    discoverPlugins({ pluginPath: [], bundled: [new URL('../herder/test-plugins/package.json', import.meta.url)], logger })
  const settings = { 'config.providers': 'secrets', 'config.providers.secrets.class': 'SecretsConfigProvider', 'config.providers.secrets.param.prefix': '#' }

  it('are set up with their parameters and resolve the worker file itself', async () => {
    const properties = { ...settings, x: '${secrets::answer}', 'plugin.path': '${secrets::answer}' }
    lines.length = 0
    const t = await createConfigTransformer({ properties, registry: await registry(), logger })
    assert.deepEqual(lines, ['The vault is open'], 'they have a logger')
    assert.deepEqual(await resolveWorkerProperties(properties, t, logger), { ...settings, x: '#42', 'plugin.path': '${secrets::answer}' })
    assert.match(lines.join(), /References cannot be used in plugin\.path/)
  })

  it('are refused where they are unknown or foreign, and left out with a warning where they have no class', async () => {
    const plugins = await registry()
    await assert.rejects(
      createConfigTransformer({ properties: { ...settings, 'config.providers.secrets.class': 'NoSuch' }, registry: plugins, logger }),
      /Invalid value NoSuch for configuration config\.providers\.secrets\.class: Class NoSuch could not be found\./,
    )
    const foreign = createPluginRegistry({ jars: [], plugins: plugins.list().map((plugin) => ({ ...plugin, location: 'file:///opt/plugins/x/' })) })
    await assert.rejects(
      createConfigTransformer({ properties: settings, registry: foreign, logger }),
      /only config providers that are built in can be used yet/,
    )
    lines.length = 0
    await createConfigTransformer({ properties: { 'config.providers': 'a' }, registry: plugins, logger })
    assert.deepEqual(lines, ['Config provider "a" is not used: config.providers.a.class is missing'])
  })
})
