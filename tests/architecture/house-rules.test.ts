import assert from 'node:assert/strict'
import { basename, dirname, posix } from 'node:path'
import test from 'node:test'
import { read, repositoryFiles } from './sources.ts'

const sources = repositoryFiles('{packages,connectors,tests,benchmarks,scripts}/**/*.{ts,mjs}')
const texts = repositoryFiles('**/*')
  .concat(repositoryFiles('.ci/*'))
  .filter((file) => !/\.(png|gz|bin|offsets|keystore|jks|p12)$/.test(file) && file !== 'tests/architecture/house-rules.test.ts')
const manifests = repositoryFiles('{packages/*,connectors/*}/package.json')

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly engines?: { readonly node?: string }
  readonly exports?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

test('no file or folder has a name that says nothing', () => {
  const empty = /^(utils?|common|helpers?|misc|managers?|shared|lib)$/
  const wordless = (file: string): boolean =>
    file.split('/').some((part) => empty.test(part.replace(/\..*/, ''))) || /-(utils?|helpers?|manager|impl)\.ts$/.test(file)
  assert.deepEqual(sources.filter(wordless), [])
})

test('files are named in kebab-case', () => {
  assert.deepEqual(
    sources.filter((file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+(-[a-z]+)*)*\.(ts|mjs)$/.test(basename(file))),
    [],
  )
})

test('index.ts is the one door of a package, and there is no other barrel', () => {
  const inside = sources.filter((file) => basename(file) === 'index.ts' && !/^(packages|connectors)\/[^/]+\/src\/index\.ts$/.test(file))
  assert.deepEqual(inside, [])
})

test('exports are named', () => {
  assert.deepEqual(
    matches(
      sources.filter((file) => !file.startsWith('scripts/')),
      /^export default /m,
    ),
    [],
  )
})

test('types are named without prefix and suffix', () => {
  assert.deepEqual(matches(sources, /^\s*(?:export )?(?:abstract )?(?:interface|class|type) (?:I[A-Z][a-z]\w*|\w+Impl|Abstract\w+)\b/m), [])
})

test('nothing is left to do later in a comment', () => {
  assert.deepEqual(matches(texts, /\b(TODO|FIXME|XXX|HACK)\b/), [])
})

test('an error that is swallowed has a comment that says why', () => {
  assert.deepEqual(matches(sources, /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/), [])
})

test('no test is singled out', () => {
  const testFiles = sources.filter((file) => file.endsWith('.test.ts'))
  assert.deepEqual(matches(testFiles, /\bonly: true|\b(?:test|it|describe|suite)\.only\(/), [])
})

test('texts name no machine, no private folder and no registry', () => {
  const places = /(?<![\w.\\])\/(?:root|work|home\/\w+)(?=[/'"`\s])|registry\.npmjs|repo1?\.maven\.|maven\.org|proxy\.golang/
  assert.deepEqual(
    matches(
      texts.filter((file) => file !== 'package-lock.json'),
      places,
    ),
    [],
  )
  assert.doesNotMatch(read('package-lock.json'), /"resolved": "https?:/)
})

test('packages are named after their folder, ask for Node 24 and pin every dependency', () => {
  for (const file of manifests) {
    const manifest = JSON.parse(read(file)) as Manifest
    const [area, name] = file.split('/')
    const expected = file === 'packages/cli/package.json' ? 'millrace' : area === 'connectors' ? `@millrace/connector-${name}` : `@millrace/${name}`
    assert.equal(manifest.name, expected)
    assert.equal(manifest.license, 'Apache-2.0', file)
    assert.equal(manifest.engines?.node, '>=24', file)
    for (const [dependency, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+$/, `${file}: ${dependency} must be pinned`)
    }
  }
})

test('the contracts, the protocol and the REST entities depend on nothing', () => {
  for (const name of ['api', 'kafka-protocol', 'rest-api']) {
    assert.deepEqual((JSON.parse(read(`packages/${name}/package.json`)) as Manifest).dependencies ?? {}, {}, name)
  }
})

test('each dependency has its reason in docs/decisions', () => {
  const decisions = repositoryFiles('docs/decisions/*.md').map(read).join('\n')
  const names = ['package.json', ...manifests].flatMap((file) => {
    const manifest = JSON.parse(read(file)) as Manifest
    return Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
  })
  const foreign = new Set(names.filter((name) => !/^(@millrace\/|millrace$)/.test(name)))
  assert.deepEqual(
    [...foreign].filter((name) => !decisions.includes(`\`${name}\``)),
    [],
  )
})

test('each package has a README', () => {
  const readmes = new Set(repositoryFiles('{packages/*,connectors/*}/README.md').map((file) => dirname(file)))
  assert.deepEqual(
    manifests.map((file) => dirname(file)).filter((folder) => !readmes.has(folder)),
    [],
  )
})

test('links between the documents lead somewhere', () => {
  const files = new Set(repositoryFiles('**/*'))
  const isThere = (path: string): boolean => files.has(path) || [...files].some((file) => file.startsWith(`${path.replace(/\/$/, '')}/`))
  const dead = repositoryFiles('**/*.md').flatMap((document) =>
    [...read(document).matchAll(/\]\((?!https?:|#|mailto:)([^)\s#]+)(?:#[^)]*)?\)/g)]
      .map(([, link = '']) => posix.join(dirname(document), link))
      .filter((path) => !isThere(path))
      .map((path) => `${document} → ${path}`),
  )
  assert.deepEqual(dead, [])
})

function matches(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((file) => {
    const text = read(file)
    const found = pattern.exec(text)
    return found === null ? [] : [`${file}:${text.slice(0, found.index).split('\n').length} ${found[0].trim()}`]
  })
}
