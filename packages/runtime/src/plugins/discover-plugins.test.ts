import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Logger } from '@millrace/api'
import { discoverPlugins } from './discover-plugins.ts'
import { loadPlugin } from './load-plugin.ts'
import { API_VERSION } from './plugin-manifest.ts'
import type { PluginRegistry } from './plugin-registry.ts'
import { createPluginRegistry } from './plugin-registry.ts'

interface Folder {
  readonly path: string
  write(file: string, content: unknown): Promise<void>
}

async function inFolder(test: (folder: Folder) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-plugins-'))
  try {
    await test({
      path,
      write: async (file, content) => {
        await mkdir(dirname(join(path, file)), { recursive: true })
        await writeFile(join(path, file), typeof content === 'string' ? content : JSON.stringify(content))
      },
    })
  } finally {
    await rm(path, { recursive: true })
  }
}

function manifest(className: string, { kind = 'sink', version = '1.0', api = `^${API_VERSION}`, ...more }: Record<string, string> = {}): unknown {
  const exportName = className.slice(className.lastIndexOf('.') + 1)
  return {
    name: 'p',
    version: '0.0.1',
    main: './index.js',
    type: 'module',
    millrace: { api, plugins: [{ kind, names: [className], version, export: exportName, ...more }] },
  }
}

async function discover(folder: Folder): Promise<{ registry: PluginRegistry; lines: string[] }> {
  const lines: string[] = []
  const log = (message: string): void => {
    lines.push(message)
  }
  const logger: Logger = { isDebugEnabled: false, trace: log, debug: log, info: log, warn: log, error: log }
  return { registry: await discoverPlugins({ pluginPath: [folder.path], bundled: [], logger }), lines }
}

const names = (registry: PluginRegistry): string[] => registry.list().map((plugin) => plugin.className)

describe('discovery of plug-ins', () => {
  it('finds packages in plugin.path, in scopes, and in node_modules below', () =>
    inFolder(async (folder) => {
      await folder.write('a/package.json', manifest('a.A'))
      await folder.write('@scope/b/package.json', manifest('b.B'))
      await folder.write('c/package.json', { name: 'holder' })
      await folder.write('c/node_modules/c/package.json', manifest('c.C'))
      await folder.write('c/node_modules/@scope/d/package.json', manifest('d.D'))
      await folder.write('node_modules/e/package.json', manifest('e.E'))
      assert.deepEqual(names((await discover(folder)).registry), ['a.A', 'b.B', 'c.C', 'd.D', 'e.E'])
    }))

  it('takes an element of plugin.path that is itself a package', () =>
    inFolder(async (folder) => {
      await folder.write('package.json', manifest('a.A'))
      const { registry } = await discover(folder)
      assert.deepEqual(names(registry), ['a.A'])
      assert.equal(registry.list()[0]?.location, `${pathToFileURL(folder.path).href}/`)
    }))

  it('does not search what a plug-in depends upon', () =>
    inFolder(async (folder) => {
      await folder.write('a/package.json', manifest('a.A'))
      await folder.write('a/node_modules/b/package.json', manifest('b.B'))
      assert.deepEqual(names((await discover(folder)).registry), ['a.A'])
    }))

  it('reads no code', () =>
    inFolder(async (folder) => {
      await folder.write('a/package.json', manifest('a.A'))
      await folder.write('a/index.js', 'throw new Error("was run")')
      assert.deepEqual(names((await discover(folder)).registry), ['a.A'])
    }))

  it('names a path that is not there, and goes on', async () => {
    const lines: string[] = []
    const log = (message: string): void => void lines.push(message)
    await discoverPlugins({
      pluginPath: ['/nonexistent/plugins'],
      bundled: [],
      logger: { isDebugEnabled: false, trace: log, debug: log, info: log, warn: log, error: log },
    })
    assert.deepEqual(lines, ['Could not get listing for plugin path: /nonexistent/plugins. Ignoring.'])
  })

  it('leaves out packages whose manifest is wrong, and says what is wrong', () =>
    inFolder(async (folder) => {
      await folder.write('good/package.json', manifest('g.Good'))
      await folder.write('json/package.json', '{')
      await folder.write('kind/package.json', manifest('k.Kind', { kind: 'sinc' }))
      await folder.write('api/package.json', manifest('v.Api', { api: '^9.0.0' }))
      await folder.write('outside/package.json', manifest('o.Outside', { module: '../good/index.js' }))
      await folder.write('list/package.json', { millrace: { api: '*', plugins: {} } })
      const { registry, lines } = await discover(folder)
      assert.deepEqual(names(registry), ['g.Good'])
      assert.equal(lines.length, 5)
      assert.ok(lines.some((line) => /unknown kind "sinc"/.test(line)))
      assert.ok(lines.some((line) => /needs @millrace\/api \^9\.0\.0, this worker has/.test(line)))
      assert.ok(lines.some((line) => /must be a path within the package/.test(line)))
    }))

  it('names each JAR with what to use in its place', () =>
    inFolder(async (folder) => {
      await folder.write('file/package.json', manifest('org.apache.kafka.connect.file.FileStreamSourceConnector', { kind: 'source' }))
      await folder.write('java/lib/connect-file-4.3.1.jar', '')
      await folder.write('other.jar', '')
      const { registry, lines } = await discover(folder)
      assert.equal(lines.length, 2)
      assert.match(
        lines[0] ?? '',
        /connect-file-4\.3\.1\.jar in plugin\.path is not used: .*; org\.apache\.kafka\.connect\.file\.FileStreamSourceConnector is built in and takes its place/,
      )
      assert.match(lines[1] ?? '', /other\.jar in plugin\.path is not used/)
      assert.throws(
        () => registry.find('sink', 'NoSuch'),
        /Java plugins are not used by this worker: .*connect-file-4\.3\.1\.jar \(use org\.apache.*\), .*other\.jar$/,
      )
    }))

  it('offers the api that its own package has', async () => {
    const own = JSON.parse(await readFile(new URL('../../../api/package.json', import.meta.url), 'utf8')) as { version: string }
    assert.equal(API_VERSION, own.version)
  })
})

describe('a plug-in registry', () => {
  const registryOf = (
    ...plugins: [kind: 'source' | 'sink' | 'converter' | 'transformation', className: string, version: string, ...aliases: string[]][]
  ): PluginRegistry =>
    createPluginRegistry({
      jars: [],
      plugins: plugins.map(([kind, className, version, ...aliases]) => ({
        kind,
        className,
        version,
        aliases,
        millraceVersion: '0',
        location: 'classpath',
        moduleUrl: 'file:///x.js',
        exportName: 'X',
      })),
    })

  it('finds a class by full name, simple name and the name without its suffix', () =>
    inFolder(async (folder) => {
      await folder.write('a/package.json', manifest('org.x.FooSourceConnector', { kind: 'source' }))
      await folder.write('b/package.json', manifest('org.x.Cast$Value', { kind: 'transformation' }))
      const { registry } = await discover(folder)
      for (const name of ['org.x.FooSourceConnector', 'FooSourceConnector', 'FooSource'])
        assert.equal(registry.find('source', name).className, 'org.x.FooSourceConnector')
      assert.equal(registry.lookup('source', 'foosource'), null)
      assert.equal(registry.find('transformation', 'org.x.Cast$Value').className, 'org.x.Cast$Value')
    }))

  it('says what there is when there is no such connector', () => {
    const registry = registryOf(['source', 'b.BSourceConnector', '2.0'], ['sink', 'a.ASinkConnector', '1.0'])
    assert.throws(() => registry.find(['sink', 'source'], 'NoSuch'), {
      message:
        "Failed to find any class that implements Connector and which name matches NoSuch, available connectors are: PluginDesc{klass=class a.ASinkConnector, name='a.ASinkConnector', version='1.0', encodedVersion=1.0, type=sink, typeName='sink', location='classpath'}, PluginDesc{klass=class b.BSourceConnector, name='b.BSourceConnector', version='2.0', encodedVersion=2.0, type=source, typeName='source', location='classpath'}",
    })
    assert.throws(() => registry.find('converter', 'NoSuch'), /^PluginNotFoundError: Class NoSuch could not be found\.$/)
  })

  it('refuses an alias of two classes, of whatever kind', () => {
    const registry = registryOf(['source', 'a.FooConnector', '1', 'Foo'], ['sink', 'b.FooConnector', '1', 'Foo'])
    assert.throws(
      () => registry.find(['sink', 'source'], 'Foo'),
      /^AmbiguousPluginError: More than one connector matches alias Foo\. Please use full package and class name instead\. Classes found: PluginDesc/,
    )
    assert.equal(registry.find(['sink', 'source'], 'a.FooConnector').className, 'a.FooConnector')
  })

  it('takes the highest version that fits', () => {
    const registry = registryOf(['sink', 'a.A', '1.9', 'A'], ['sink', 'a.A', '1.10', 'A'], ['sink', 'a.A', '2.0-beta', 'A'])
    assert.equal(registry.find('sink', 'A').version, '2.0-beta')
    assert.equal(registry.find('sink', 'A', '[1.0,2.0-alpha)').version, '1.10')
    assert.throws(() => registry.find('sink', 'A', '9.9'), {
      message: 'Plugin a.A not found that matches the version range [9.9,9.9], available versions: [1.9, 1.10, 2.0-beta]',
    })
    assert.throws(() => registry.find('sink', 'A', '[x'), { message: 'Unbounded range: [x', code: 'PLUGIN_VERSION' })
  })

  it('is the same in another thread', () => {
    const registry = registryOf(['sink', 'a.A', '1.9', 'A'])
    assert.deepEqual(createPluginRegistry(structuredClone(registry.toData())).list(), registry.list())
  })
})

describe('loading a plug-in', () => {
  it('imports its module and gives the class', () =>
    inFolder(async (folder) => {
      await folder.write('a/package.json', manifest('a.A'))
      await folder.write('a/index.js', 'export class A {}')
      const { registry } = await discover(folder)
      assert.equal((await loadPlugin(registry.find('sink', 'a.A'))).name, 'A')
    }))

  it('tells what fails: the import, or the export', () =>
    inFolder(async (folder) => {
      await folder.write('a/package.json', manifest('a.A'))
      await folder.write('a/index.js', 'throw new Error("no database driver")')
      await folder.write('b/package.json', manifest('b.B'))
      await folder.write('b/index.js', 'export const A = 1')
      const { registry } = await discover(folder)
      await assert.rejects(loadPlugin(registry.find('sink', 'a.A')), /Plugin a\.A cannot be loaded from file:.*: no database driver/)
      await assert.rejects(loadPlugin(registry.find('sink', 'b.B')), /Plugin b\.B cannot be loaded: .* exports no class "B"/)
    }))
})
