import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { runMillrace } from './millrace-process.ts'

const root = join(import.meta.dirname, '..', '..')
const unit = readFileSync(join(root, 'packaging', 'millrace.service'), 'utf8')
const dockerfile = readFileSync(join(root, 'packaging', 'Dockerfile'), 'utf8')

test('the systemd unit is valid', (t) => {
  if (spawnSync('systemd-analyze', ['--version']).status !== 0) return t.skip('systemd-analyze is not here')
  const file = join(temporaryFolder(t), 'millrace.service')
  // What it starts is not installed on this machine, and neither is its user.
  writeFileSync(file, unit.replace('/usr/local/bin/millrace', process.execPath).replace('User=millrace', 'User=root'))
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
  const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('millrace.service'))
  assert.deepEqual([status, complaints], [0, []])
})

test('the unit and the image start a command that there is, and let wrong settings be', async () => {
  const help = await runMillrace(['distributed', '--help'])
  assert.equal(help.code, 0, help.output)
  assert.match(unit, /^ExecStart=\/usr\/local\/bin\/millrace distributed \/etc\/millrace\/worker\.properties$/m)
  assert.match(unit, /^RestartPreventExitStatus=2$/m)
  assert.match(dockerfile, /^ENTRYPOINT \["millrace"\]\nCMD \["distributed", "\/etc\/millrace\/worker\.properties"\]$/m)
  const wrong = await runMillrace(['distributed', '/etc/millrace-nowhere/worker.properties'])
  assert.equal(wrong.code, 2, wrong.output)
})

test('the image is built by scripts that there are, on the Node that the packages need', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Readonly<Record<string, string>> }
  const scripts = [...dockerfile.matchAll(/npm run (\S+)/g)].map(([, script = '']) => script)
  assert.deepEqual(scripts, ['pack'])
  for (const script of scripts) assert.ok(existsSync(join(root, manifest.scripts[script]?.split(' ').at(-1) ?? '')), script)
  const { engines } = JSON.parse(readFileSync(join(root, 'packages/cli/package.json'), 'utf8')) as { engines: { node: string } }
  for (const [, version] of dockerfile.matchAll(/^FROM node:(\d+)/gm)) assert.equal(`>=${version}`, engines.node)
})
