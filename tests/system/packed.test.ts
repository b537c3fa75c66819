import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { startWorker } from './millrace-process.ts'

const root = join(import.meta.dirname, '..', '..')

test('all packages, packed and installed into an empty folder, hold no sources and run a worker with npx: file to topic to file', async (t) => {
  const folder = temporaryFolder(t)
  const tarballs = run(process.execPath, ['scripts/pack.ts', '--out', join(folder, 'tarballs')], root)
    .trim()
    .split('\n')
  assert.equal(tarballs.length, globSync(['packages/*/package.json', 'connectors/*/package.json'], { cwd: root }).length)

  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs], folder)
  const ours = globSync('node_modules/{millrace,@millrace/*}/**/*.ts', { cwd: folder })
  assert.ok(ours.length > 10)
  assert.deepEqual(
    ours.filter((file) => !file.endsWith('.d.ts')),
    [],
    'sources are in the packages',
  )
  const forTests = globSync('node_modules/{millrace,@millrace/*}/dist/**/*{fixtures,test-data,test-plugins,testing-plugins,.test.}*', { cwd: folder })
  assert.deepEqual(forTests, [], 'what only tests use is in the packages')
  for (const manifest of globSync('node_modules/{millrace,@millrace/*}/package.json', { cwd: folder })) {
    assert.doesNotMatch(readFileSync(join(folder, manifest), 'utf8'), /\.\/src\//, manifest)
  }

  const [input, output] = [join(folder, 'in.txt'), join(folder, 'out.txt')]
  writeFileSync(input, Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join(''))
  const worker = await startWorker({
    program: { command: 'npx', args: ['--no', 'millrace'] },
    // npx looks for the command from here upwards.
    folder: join(folder, 'worker'),
    bootstrapServers: 'embedded',
    connectors: [
      { name: 'source', 'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector', file: input, topic: 'lines' },
      { name: 'sink', 'connector.class': 'FileStreamSink', file: output, topics: 'lines' },
    ],
  })
  // Asked, not killed: that would end npx and leave the worker.
  t.after(() => worker.stop())
  const { commit } = (await (await fetch(worker.url)).json()) as { commit: string }
  assert.equal(commit, run('git', ['rev-parse', 'HEAD'], root).slice(0, 16), 'GET / names the commit that was packed')
  const isComplete = (): boolean => readIfThere(output) === readFileSync(input, 'utf8')
  await waitFor(isComplete, { what: 'all lines in the sink file', describe: () => worker.describe('source', 'sink') })
  await worker.stop()
  assert.match(worker.process.output, /Kafka Connect stopped/)
})

test('the image installs the packed command', (t) => {
  const folder = temporaryFolder(t)
  const dockerfile = readFileSync(join(root, 'packaging', 'Dockerfile'), 'utf8')
  const [, script = '', out = ''] = /^RUN npm run (\S+) -- --out (\S+)$/m.exec(dockerfile) ?? []
  const [, install = ''] = /^RUN (npm install --global .*?) && /m.exec(dockerfile) ?? []
  run('npm', ['run', script, '--', '--out', join(folder, out)], root)
  // As in the image, but for where global packages go.
  run('sh', ['-c', `${install.replaceAll(out, join(folder, out))} --prefix ${folder} --prefer-offline`], folder)
  const [, command = ''] = /^ENTRYPOINT \["(\S+)"\]$/m.exec(dockerfile) ?? []
  const version = (JSON.parse(readFileSync(join(root, 'packages/cli/package.json'), 'utf8')) as { version: string }).version
  assert.equal(run(join(folder, 'bin', command), ['--version'], folder).trim(), version)
})

test('a program in TypeScript compiles against the declarations of the packed api', (t) => {
  const folder = temporaryFolder(t)
  const tarballs = run(process.execPath, ['scripts/pack.ts', '--out', join(folder, 'tarballs')], root)
    .trim()
    .split('\n')
  const api = tarballs.find((file) => /millrace-api-/.test(file)) ?? ''
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', api], folder)
  writeFileSync(
    join(folder, 'connector.ts'),
    `import { ConfigDef, type SourceRecord, type SourceTask } from '@millrace/api'
     export const definition = new ConfigDef().define('file', { type: 'STRING', importance: 'HIGH', documentation: 'The file.' })
     export type Poll = ReturnType<SourceTask['poll']>
     export const topicOf = (record: SourceRecord): string => record.topic\n`,
  )
  const options = {
    strict: true,
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    noEmit: true,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['connector.ts'] }))
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], folder)
})

function run(command: string, args: readonly string[], cwd: string): string {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 300_000 })
  assert.equal(result.status, 0, `${command} ${args.join(' ')}\n${result.stdout}${result.stderr}${result.error ?? ''}`)
  return result.stdout
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Not written yet.
    return ''
  }
}
