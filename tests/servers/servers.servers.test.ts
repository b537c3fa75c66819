import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { startJavaConnect } from './java-connect.ts'
import { runKafkaTool, startKafkaServer } from './kafka-server.ts'
import { skipWithoutPeer } from './peer.ts'

test('the original runs here: a broker, its tools, and a standalone worker that copies a file', { skip: skipWithoutPeer() }, async (t) => {
  const folder = temporaryFolder(t)
  const kafka = await startKafkaServer({ folder: join(folder, 'kafka') })
  t.after(() => kafka.stop())
  writeFileSync(join(folder, 'in.txt'), 'one\ntwo\n')
  const connect = await startJavaConnect({
    mode: 'standalone',
    folder: join(folder, 'connect'),
    bootstrapServers: kafka.bootstrapServers,
    connectors: [
      { name: 'source', 'connector.class': 'FileStreamSource', file: join(folder, 'in.txt'), topic: 'lines' },
      { name: 'sink', 'connector.class': 'FileStreamSink', file: join(folder, 'out.txt'), topics: 'lines' },
    ],
  })
  t.after(() => connect.stop())
  await waitFor(() => readFileSync(join(folder, 'out.txt'), 'utf8') === 'one\ntwo\n', {
    what: 'both lines in the sink file',
    describe: () => connect.output.slice(-3000),
  })
  const topics = await runKafkaTool('org.apache.kafka.tools.TopicCommand', ['--bootstrap-server', kafka.bootstrapServers, '--list'])
  assert.deepEqual(topics.stdout.trim().split('\n').sort(), ['__consumer_offsets', 'lines'])
})
