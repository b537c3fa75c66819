import assert from 'node:assert/strict'
import test from 'node:test'
import { sharedByBothEnds, packageImports, runtimeImports, testImports } from './allowed-imports.ts'
import { importsOf, read, repositoryFiles, resolveImport } from './sources.ts'

const sources = repositoryFiles('{packages,connectors,tests,benchmarks,scripts}/**/*.{ts,mjs}')
const manifests = repositoryFiles('{packages/*,connectors/*,tests,benchmarks}/package.json')
/** `@millrace/api` → `packages/api`. */
const folderOf = new Map(manifests.map((manifest) => [(JSON.parse(read(manifest)) as { name: string }).name, manifest.replace('/package.json', '')]))

test('finds the packages and their imports', () => {
  assert.equal(folderOf.get('@millrace/api'), 'packages/api')
  assert.ok(sources.length > 20)
  assert.deepEqual(
    importsOf(`import type { A } from './a.ts'\nimport {\n  b,\n} from '@millrace/api'\nexport { c } from 'c'\nimport 'd'\nawait import('e')\n`).map(
      (found) => found.specifier,
    ),
    ['./a.ts', '@millrace/api', 'c', 'd', 'e'],
  )
})

test('each package imports only the packages that the table allows', () => {
  const violations: string[] = []
  for (const file of sources) {
    const home = packageOf(file)
    for (const { specifier, line } of importsOf(read(file))) {
      const target = specifier.startsWith('.') ? packageOf(resolveImport(file, specifier)) : ownPackage(specifier)
      if (target === undefined || target === home) continue
      if (specifier.startsWith('.') && !['scripts', 'benchmarks'].includes(home)) violations.push(`${file}:${line} reaches into ${target} by a relative path`)
      else if (!mayImport(file, home, target)) violations.push(`${file}:${line} imports ${specifier}: ${home} may not use ${target}`)
    }
  }
  assert.deepEqual(violations, [])
})

test('inside the runtime, imports follow rest → herder → worker → thread, and what runs in a thread knows only the messages', () => {
  const violations: string[] = []
  for (const file of sources.filter((path) => path.startsWith('packages/runtime/src/') && !isForTests(path))) {
    const from = runtimeFolder(file)
    if (from === undefined) continue
    const allowed = runtimeImports[from]
    if (allowed === undefined) {
      violations.push(`${file}: the folder ${from} is not in the table`)
      continue
    }
    for (const { specifier, line } of importsOf(read(file))) {
      if (!specifier.startsWith('.')) continue
      const target = resolveImport(file, specifier)
      const to = runtimeFolder(target)
      if (to === from) continue
      if (to === undefined) violations.push(`${file}:${line} imports ${specifier}, outside of every folder`)
      else if (!allowed.includes(to)) violations.push(`${file}:${line} imports ${specifier}: ${from} may not use ${to}`)
      else if (from !== 'worker' && to === 'thread' && !sharedByBothEnds.includes(target))
        violations.push(`${file}:${line} imports ${specifier}: of thread/, ${from}/ may use only what both ends share`)
    }
  }
  assert.deepEqual(violations, [])
})

function packageOf(file: string): string {
  const [area = '', name = ''] = file.split('/')
  return area === 'packages' || area === 'connectors' ? `${area}/${name}` : area
}

function ownPackage(specifier: string): string | undefined {
  const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]
  return name === undefined ? undefined : folderOf.get(name)
}

function mayImport(file: string, home: string, target: string): boolean {
  const allowed = packageImports[home] ?? packageImports[home.replace(/\/.*/, '/*')]
  assert.ok(allowed !== undefined, `${home} is not in the table of allowed imports`)
  const all = file.endsWith('.test.ts') ? [...allowed, ...testImports] : allowed
  return all.includes(target) || all.includes(target.replace(/\/.*/, '/*'))
}

function runtimeFolder(file: string): string | undefined {
  return /^packages\/runtime\/src\/([^/]+)\//.exec(file)?.[1]
}

function isForTests(path: string): boolean {
  return path.endsWith('.test.ts') || path.includes('/testing-plugins/')
}
