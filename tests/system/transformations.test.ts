import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { startWorker } from './millrace-process.ts'

const TRANSFORMS = 'org.apache.kafka.connect.transforms'

test('records pass the transformations of a source and of a sink, as their predicates say', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'in.txt'), 'one\ntwo\n')
  const output = join(folder, 'out.txt')
  const worker = await startWorker({
    folder,
    bootstrapServers: 'embedded',
    properties: { 'value.converter': 'org.apache.kafka.connect.json.JsonConverter', 'value.converter.schemas.enable': 'false' },
    connectors: [
      {
        name: 'lines',
        'connector.class': 'FileStreamSource',
        file: join(folder, 'in.txt'),
        topic: 'lines',
        'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
        transforms: 'route,never',
        'transforms.route.type': `${TRANSFORMS}.RegexRouter`,
        'transforms.route.regex': '(li)nes',
        'transforms.route.replacement': '$1st',
        // The topic has its new name by now.
        'transforms.never.type': 'Filter',
        'transforms.never.predicate': 'old',
        predicates: 'old',
        'predicates.old.type': 'TopicNameMatches',
        'predicates.old.pattern': 'lines',
      },
      {
        name: 'out',
        'connector.class': 'FileStreamSink',
        file: output,
        topics: 'list',
        'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
        transforms: 'drop',
        'transforms.drop.type': 'Filter',
        'transforms.drop.predicate': 'tombstone',
        'transforms.drop.negate': 'false',
        predicates: 'tombstone',
        'predicates.tombstone.type': 'RecordIsTombstone',
      },
      {
        name: 'none',
        'connector.class': 'FileStreamSink',
        file: join(folder, 'none.txt'),
        topics: 'list',
        'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
        transforms: 'drop',
        'transforms.drop.type': 'Filter',
        'transforms.drop.predicate': 'tombstone',
        'transforms.drop.negate': 'true',
        predicates: 'tombstone',
        'predicates.tombstone.type': 'RecordIsTombstone',
      },
    ],
  })
  t.after(() => worker.killAtOnce())
  const describe = (): Promise<string> => worker.describe('lines', 'out', 'none')
  await waitFor(() => existsSync(output) && readFileSync(output, 'utf8') === 'one\ntwo\n', { what: 'both lines in the sink file', describe })
  const filtered = async (): Promise<number> => {
    const { tasks } = await worker.client.connectorStatus('none')
    return (tasks[0] as { millrace?: { ledger?: { filtered?: number } } } | undefined)?.millrace?.ledger?.filtered ?? 0
  }
  await waitFor(async () => (await filtered()) === 2, { what: 'both lines filtered by the other sink', describe })
  assert.equal(readFileSync(join(folder, 'none.txt'), 'utf8'), '')

  const refused = await fetch(`${worker.url}/connectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'wrong', config: { 'connector.class': 'FileStreamSource', topic: 't', transforms: 'a', 'transforms.a.type': 'RegexRuter' } }),
  })
  assert.equal(refused.status, 400)
  assert.match(
    ((await refused.json()) as { message: string }).message,
    /Invalid value RegexRuter for configuration transforms\.a\.type: Class RegexRuter could not be found\./,
  )
})
