import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { root } from './sources.ts'

const planted: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "planted", "private": true, "type": "module", "workspaces": ["packages/*"] }',
  '.gitignore': 'node_modules/\n',
  'packages/a/package.json': '{ "name": "@planted/a", "version": "1.0.0", "type": "module", "exports": { ".": "./src/index.ts" } }',
  'packages/a/src/index.ts': 'export interface Part {\n  stop(): void | Promise<void>\n}\nexport function close(part: Part): void {\n  part.stop()\n}\n',
  'packages/a/src/cycle-one.ts': "import { two } from './cycle-two.ts'\nexport const one = (): number => two()\n",
  'packages/a/src/cycle-two.ts': "import { one } from './cycle-one.ts'\nexport const two = (): number => one()\n",
  'packages/a/src/undeclared.ts': "import fastify from 'fastify'\nexport const server = fastify()\n",
}

test('the linter finds a planted floating promise, an import cycle and an undeclared dependency', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-lint-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [file, text] of Object.entries(planted)) {
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  cpSync(join(root, 'biome.json'), join(folder, 'biome.json'))
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const result = spawnSync(process.execPath, [biome, 'lint', '--reporter=github', '--max-diagnostics=none'], { cwd: folder, encoding: 'utf8' })
  const report = result.stdout
  assert.equal(result.status, 1, result.stderr)
  for (const [rule, file] of [
    ['noFloatingPromises', 'index.ts'],
    ['noImportCycles', 'cycle-one.ts'],
    ['noUndeclaredDependencies', 'undeclared.ts'],
  ] as const) {
    assert.ok(
      report.split('\n').some((line) => line.includes(rule) && line.includes(file)),
      `${rule} was not reported for ${file}:\n${report}`,
    )
  }
})
