import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TaskActivity } from '@millrace/rest-api'
import { freePorts, type GuardedProcess, startGuardedProcess, temporaryFolder, waitFor } from '@millrace/testing'
import { startWorker } from './millrace-process.ts'

const guide = join(import.meta.dirname, '..', '..', 'docs', 'guides', 'what-is-my-task-doing.md')
const testingPlugins = join(import.meta.dirname, '..', '..', 'packages', 'runtime', 'src', 'testing-plugins')
const lineTarget = join(import.meta.dirname, 'line-target.ts')

test('docs/guides/what-is-my-task-doing.md shows what a status shows while the target of a sink is killed, frozen and filled again', async (t) => {
  let feed: NodeJS.Timeout | undefined
  // First of all: the file goes with its folder.
  t.after(() => clearInterval(feed))
  const folder = temporaryFolder(t)
  const [port = 0] = await freePorts(1)
  mkdirSync(join(folder, 'plugins'))
  symlinkSync(testingPlugins, join(folder, 'plugins', 'testing'))
  const file = join(folder, 'orders.txt')
  writeFileSync(file, '')
  let target = await startTarget(port)
  t.after(() => target.killAtOnce())
  const worker = await startWorker({
    folder: join(folder, 'worker'),
    bootstrapServers: 'embedded',
    properties: { 'plugin.path': join(folder, 'plugins'), 'offset.flush.interval.ms': '500' },
    connectors: [
      { name: 'orders', 'connector.class': 'FileStreamSource', file, topic: 'orders' },
      { name: 'warehouse', ...settingsOf('properties'), 'connector.class': 'test.TargetSinkConnector', topics: 'orders', 'target.port': String(port) },
    ],
  })
  t.after(() => worker.killAtOnce())
  let last = 0
  feed = setInterval(() => appendFileSync(file, `order ${++last}\n`), 50)

  const recording: string[] = []
  const record = async (step: string, state: TaskActivity['state'], isSo: (activity: TaskActivity) => boolean = () => true): Promise<void> => {
    const task = await waitFor(
      async () => {
        const status = await worker.client.taskStatus('warehouse', 0)
        const activity = status.millrace?.activity
        return activity?.state === state && isSo(activity) ? status : null
      },
      { what: `the task to be ${state} when ${step}`, describe: () => worker.describe('warehouse') },
    )
    const { activity } = task.millrace!
    recording.push(`${step.padEnd(38)} ${task.state}  ${activity.state.padEnd(9)} ${activity.detail}`)
  }

  await record('worker and target run', 'running', ({ detail }) => detail.startsWith('Of its time'))
  await target.killAtOnce()
  await record('the target is killed', 'retrying', ({ retry }) => (retry?.attempt ?? 0) > 1)
  target = await startTarget(port)
  await record('the target is started again', 'running')
  process.kill(target.pid, 'SIGSTOP')
  await record('the target is frozen', 'blocked')
  await record('and stays so for 5 seconds', 'stalled')
  process.kill(target.pid, 'SIGCONT')
  await record('the target goes on', 'running')
  clearInterval(feed)
  await record('no more orders come', 'idle', ({ detail }) => detail === 'Nothing to read')
  feed = setInterval(() => appendFileSync(file, `order ${++last}\n`), 50)
  await record('the file is filled again', 'running')
  assert.deepEqual(recording.map(comparable), blocks('text')[0]?.split('\n').map(comparable), `The guide should show:\n${recording.join('\n')}`)
})

async function startTarget(port: number): Promise<GuardedProcess> {
  const target = await startGuardedProcess({ command: process.execPath, args: [lineTarget, String(port)] })
  await waitFor(() => target.output.includes('listening'), { what: 'the target to listen', describe: () => target.output })
  return target
}

/** Without what differs from run to run: times, counts, shares of time. */
function comparable(line: string): string {
  return line
    .replace(/Of its time .*/, 'Of its time …')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/\d+/g, '#')
}

function settingsOf(language: string): Record<string, string> {
  return Object.fromEntries(
    (blocks(language)[0] ?? '')
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  )
}

function blocks(language: string): string[] {
  return [...readFileSync(guide, 'utf8').matchAll(new RegExp(`^\`\`\`${language}\n(.*?)\n\`\`\`$`, 'gms'))].map(([, block = '']) => block)
}
