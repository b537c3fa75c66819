import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { startGuardedProcess, temporaryFolder, waitFor } from '@millrace/testing'
import { startMillraceBroker } from './broker-under-test.ts'
import { fromSources } from './millrace-process.ts'

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'quickstart')
/** Named in the quick start's worker file. */
const offsetFile = '/tmp/connect.offsets'

/** The files are used as Apache Kafka ships them, so the ports that they mean must be free here: 9092 for the broker, 8083 for REST. */
test('the quick start of Apache Kafka runs with its files unmodified: file source, file sink, JsonConverter with schemas', async (t) => {
  for (const port of [9092, 8083]) if (await isTaken(port)) return t.skip(`port ${port}, which the quick start's files need, is taken on this machine`)
  putAside(t, offsetFile)
  const folder = temporaryFolder(t)
  const broker = await startMillraceBroker({ folder, port: 9092 })
  t.after(() => broker.stop())

  writeFileSync(join(folder, 'test.txt'), 'foo\nbar\n')
  const program = fromSources()
  const files = ['connect-standalone.properties', 'connect-file-source.properties', 'connect-file-sink.properties'].map((file) => join(fixtures, file))
  const worker = await startGuardedProcess({ command: program.command, args: [...program.args, 'standalone', ...files], cwd: folder })
  t.after(() => worker.killAtOnce())
  const output = join(folder, 'test.sink.txt')
  const describe = (): string => worker.output
  await waitFor(() => existsSync(output) && readFileSync(output, 'utf8') === 'foo\nbar\n', { what: 'foo and bar in the sink file', describe })
  appendFileSync(join(folder, 'test.txt'), 'Another line\n')
  await waitFor(() => readFileSync(output, 'utf8') === 'foo\nbar\nAnother line\n', { what: 'another line in the sink file', describe })

  const server = (await (await fetch('http://127.0.0.1:8083/')).json()) as { version: string }
  assert.equal(server.version, '4.3.1')
  assert.deepEqual(await (await fetch('http://127.0.0.1:8083/connectors')).json(), ['local-file-source', 'local-file-sink'])
  assert.equal((await worker.stop()).code, 0, worker.output)
  assert.ok(existsSync(offsetFile), 'the offsets are where the quick start has them')
})

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** Someone's own quick start shall find its offsets again. */
function putAside(t: { after(action: () => void): void }, file: string): void {
  const aside = `${file}.aside-${process.pid}`
  const wasThere = existsSync(file)
  if (wasThere) renameSync(file, aside)
  t.after(() => {
    rmSync(file, { force: true })
    if (wasThere) renameSync(aside, file)
  })
}
