// Builds every package that is published, and packs each into a tarball.
//
//   npm run pack                     into dist/packages
//   npm run pack -- --out FOLDER     elsewhere
//
// In the repository a package's manifest points to its sources, which Node runs as they are. Node strips no types inside node_modules,
// so the packed manifest points to JavaScript and declarations instead; nothing else differs.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
type Manifest = { readonly [key: string]: Json } & { readonly name: string; readonly version: string; readonly private?: boolean }

/** Folders below `src` that only tests use. */
const TEST_FOLDERS = ['fixtures', 'test-data', 'test-plugins', 'testing-plugins']

const root = join(import.meta.dirname, '..')
const { values: options } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist/packages') } } })
const out = resolve(options.out)
const build = join(out, 'build')
const staging = join(out, 'staging')

rmSync(build, { recursive: true, force: true })
rmSync(staging, { recursive: true, force: true })
for (const tarball of globSync(join(out, '*.tgz'))) rmSync(tarball)
mkdirSync(build, { recursive: true })

compile()
const folders = publishedFolders()
for (const folder of folders) stage(folder)
pack(folders)
rmSync(build, { recursive: true })

/** All packages in one program, with declarations: `packages/api/src/index.ts` becomes `build/packages/api/src/index.js`. */
function compile(): void {
  const configuration = join(build, 'tsconfig.json')
  const sources = ['packages/*/src', 'connectors/*/src'].map((pattern) => join(root, pattern))
  // Tests, and what only they use: x.test.ts, x.test-data.ts, and folders of their own.
  const tests = ['**/*.*.ts', ...TEST_FOLDERS.map((folder) => `**/${folder}/**`)].map((pattern) => join(root, pattern))
  const compilerOptions = {
    noEmit: false,
    noEmitOnError: true,
    declaration: true,
    rootDir: root,
    outDir: build,
    typeRoots: [join(root, 'node_modules/@types')],
  }
  writeFileSync(configuration, JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: sources, exclude: tests }))
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', configuration], root)
}

function publishedFolders(): string[] {
  const manifests = globSync(['packages/*/package.json', 'connectors/*/package.json'], { cwd: root }).sort()
  return manifests.filter((file) => readManifest(join(root, file)).private !== true).map((file) => dirname(file))
}

/** Puts together what the tarball of a package holds. */
function stage(folder: string): void {
  const from = join(root, folder)
  const to = stagingOf(folder)
  mkdirSync(to, { recursive: true })
  const manifest = readManifest(join(from, 'package.json'))
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`)

  copyBuilt(join(build, folder, 'src'), join(to, 'dist'))
  // What a module reads beside itself.
  for (const asset of globSync('**/*.*', {
    cwd: join(from, 'src'),
    exclude: (path) => path.endsWith('.ts') || path.split(sep).some((part) => TEST_FOLDERS.includes(part)),
  })) {
    cpSync(join(from, 'src', asset), join(to, 'dist', asset))
  }
  if (existsSync(join(from, 'bin'))) {
    for (const file of globSync('*', { cwd: join(from, 'bin') })) {
      const text = readFileSync(join(from, 'bin', file), 'utf8')
      writeText(join(to, 'bin', file), text.replace(/(['"])\.\.\/src\/([^'"]+)\.ts\1/g, '$1../dist/$2.js$1'), 0o755)
    }
  }
  // `GET /` names the commit.
  if (folder === 'packages/cli') writeText(join(to, 'build-commit.txt'), `${commit()}\n`)
  if (existsSync(join(from, 'README.md'))) cpSync(join(from, 'README.md'), join(to, 'README.md'))
  for (const file of ['LICENSE', 'NOTICE']) cpSync(join(root, file), join(to, file))
}

function copyBuilt(from: string, to: string): void {
  for (const file of globSync('**/*.{js,d.ts}', { cwd: from })) writeText(join(to, file), pointToJavaScript(readFileSync(join(from, file), 'utf8')))
}

/** The compiler rewrites imports in JavaScript, but not in declarations, and not where threads and resolved modules are named. */
function pointToJavaScript(text: string): string {
  return text.replace(/((?:\bfrom|\bimport\(|new URL\(|import\.meta\.resolve\()\s*(['"])\.\.?\/[^'"]+)\.ts\2/g, '$1.js$2')
}

function publishedManifest(manifest: Manifest): Json {
  const { scripts, devDependencies, exports, ...rest } = manifest
  return {
    ...(pointToBuild(rest) as { readonly [key: string]: Json }),
    exports: publishedExports(exports as { readonly [door: string]: string }),
    files: ['dist', 'bin', 'build-commit.txt', 'README.md', 'LICENSE', 'NOTICE'],
  }
}

function publishedExports(doors: { readonly [door: string]: string }): Json {
  return Object.fromEntries(
    Object.entries(doors).map(([door, target]) => {
      const built = pointToBuild(target) as string
      return [door, built === target ? target : { types: built.replace(/\.js$/, '.d.ts'), default: built }]
    }),
  )
}

/** `./src/x.ts` → `./dist/x.js`, wherever it stands in a manifest. */
function pointToBuild(value: Json): Json {
  if (typeof value === 'string') return value.replace(/^\.\/src\/(.*)\.ts$/, './dist/$1.js')
  if (Array.isArray(value)) return value.map(pointToBuild)
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, pointToBuild(inner)]))
  return value
}

function pack(packed: readonly string[]): void {
  const targets = packed.map((folder) => `./${relative(staging, stagingOf(folder))}`)
  run('npm', ['pack', '--silent', '--pack-destination', out, ...targets], staging)
  const tarballs = globSync('*.tgz', { cwd: out }).sort()
  if (tarballs.length !== packed.length) throw new Error(`${packed.length} packages gave ${tarballs.length} tarballs`)
  for (const tarball of tarballs) console.log(join(out, tarball))
}

function stagingOf(folder: string): string {
  return join(staging, `${dirname(folder) === 'connectors' ? 'connector-' : ''}${basename(folder)}`)
}

function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest
}

function writeText(file: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text, { mode })
}

function commit(): string {
  const result = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' })
  return result.status === 0 ? result.stdout.trim() : 'Unknown'
}

function run(command: string, args: readonly string[], cwd: string): void {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (result.error) throw result.error
  if (result.status === 0) return
  console.error(result.stdout)
  console.error(`${basename(command)} ${args.slice(0, 3).join(' ')} failed with exit code ${result.status}`)
  process.exit(1)
}
