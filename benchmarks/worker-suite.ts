import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startKafkaServer } from '../tests/servers/kafka-server.ts'
import { startMillraceBroker } from '../tests/system/broker-under-test.ts'
import { deadLetters } from './lanes/dead-letters.ts'
import { fileToTopic } from './lanes/file-to-topic.ts'
import type { Lane } from './lanes/lane.ts'
import { startUp } from './lanes/start-up.ts'
import { jsonTopicToFile, topicToFile } from './lanes/topic-to-file.ts'
import { java, javaWithLargeBatches, packed, type Side, sources } from './sides.ts'
import type { Suite, SuiteRun } from './suite.ts'

const lanes: readonly Lane[] = [startUp, fileToTopic, topicToFile, jsonTopicToFile, deadLetters]

/** The worker with the file connectors, beside Kafka Connect. */
export const workerSuite: Suite = {
  name: 'worker',
  title: 'The worker',
  about: (reason) =>
    `Millrace packed and installed; ${reason === null ? 'Kafka Connect against one Apache Kafka' : `without the original (${reason}), against the embedded broker`}`,
  lanes: lanes.map(({ name }) => name),
  async run(run, done) {
    run.say('Packing and installing Millrace …')
    const millrace = packed(run.folder)
    const hasJava = run.reasonWithoutJava === null
    const broker = hasJava
      ? await startKafkaServer({ folder: join(run.folder, 'kafka'), heapOptions: ['-Xms1G', '-Xmx1G'] })
      : await startMillraceBroker({ folder: join(run.folder, 'broker') })
    try {
      await warmUp(run, millrace, broker.bootstrapServers)
      for (const lane of lanes.filter(({ name }) => run.lanes.includes(name))) {
        done(await lane.run({ ...run, sides: sidesOf(lane, millrace, hasJava), bootstrapServers: broker.bootstrapServers, prefix: '' }))
      }
    } finally {
      await broker.stop()
    }
  },
}

/** The broker is a JVM as well, and would be slow for whoever comes first. */
async function warmUp(run: SuiteRun, side: Side, bootstrapServers: string): Promise<void> {
  run.say('Warming up the broker …')
  const folder = join(run.folder, 'warm-up')
  mkdirSync(folder)
  const bench = { ...run, sides: [side], bootstrapServers, prefix: 'warm-up-', folder, repetitions: 2, idleSeconds: 0, say: () => {} }
  await fileToTopic.run(bench)
  await topicToFile.run(bench)
}

function sidesOf(lane: Lane, millrace: Side, hasJava: boolean): Side[] {
  const originals = hasJava ? [java] : []
  if (lane === startUp) return [millrace, sources, ...originals]
  if (lane === fileToTopic && hasJava) return [millrace, java, javaWithLargeBatches]
  return [millrace, ...originals]
}
