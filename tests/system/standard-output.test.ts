import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { fromSources, startWorker } from './millrace-process.ts'

test('a sink to a standard output that nobody reads any longer fails, and the worker still stops cleanly', async (t) => {
  const folder = temporaryFolder(t)
  const input = join(folder, 'in.txt')
  // More than a pipe holds.
  writeFileSync(input, Array.from({ length: 100_000 }, (_, index) => `line ${index}\n`).join(''))
  const { command, args } = fromSources()
  const worker = await startWorker({
    folder: join(folder, 'worker'),
    bootstrapServers: 'embedded',
    program: { command: 'sh', args: ['-c', '{ "$@" & echo $! > pid; wait $!; echo "ended with $?" >&2; } | head -n 1', 'sh', command, ...args] },
    connectors: [
      { name: 'source', 'connector.class': 'FileStreamSource', file: input, topic: 'lines' },
      { name: 'sink', 'connector.class': 'FileStreamSink', topics: 'lines' },
    ],
  })
  const pid = Number(readFileSync(join(folder, 'worker', 'pid'), 'utf8'))
  t.after(() => worker.process.hasExited || process.kill(pid, 'SIGKILL'))

  const trace = await waitFor(async () => (await worker.client.connectorStatus('sink')).tasks[0]?.trace, {
    what: 'the sink to fail',
    describe: () => worker.describe('sink'),
  })
  assert.match(trace, /Nobody reads the standard output any longer \(EPIPE\)/)
  await worker.untilState('source', 'RUNNING')
  process.kill(pid, 'SIGTERM')
  await worker.process.exited
  assert.match(worker.process.output, /ended with 0/)
})
