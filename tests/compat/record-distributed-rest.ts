// Records how the distributed worker of Apache Kafka Connect 4.3.1 answers the calls of the differential suite:
//
//   node tests/compat/record-distributed-rest.ts
//
// Needs the servers that tests/servers starts.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKafkaServer } from '../servers/kafka-server.ts'
import { recordJavaAnswers, RECORDING } from './distributed-recording.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-record-'))
const kafka = await startKafkaServer({ folder: join(folder, 'kafka') })
try {
  const answers = await recordJavaAnswers(join(folder, 'connect'), kafka.bootstrapServers)
  writeFileSync(RECORDING, `${JSON.stringify(answers, null, 1)}\n`)
} finally {
  await kafka.stop()
  rmSync(folder, { recursive: true, force: true })
}
