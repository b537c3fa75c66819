import { join } from 'node:path'
import { startKafkaServer } from '../tests/servers/kafka-server.ts'
import { startMillraceBroker } from '../tests/system/broker-under-test.ts'
import { brokerLane } from './clients/broker-lane.ts'
import { type ClientBench, clientLanes } from './clients/client-lanes.ts'
import { compileJavaSubject, javaClient, millraceClient } from './clients/client-subject.ts'
import type { Suite, SuiteRun } from './suite.ts'

/** Producer and consumer beside the Java client's, and the embedded broker beside Apache Kafka. */
export const clientSuite: Suite = {
  name: 'client',
  title: 'Clients and the embedded broker',
  about: (reason) =>
    reason === null ? 'Millrace from sources; the Java client, both against one Apache Kafka' : `without the original (${reason}), against the embedded broker`,
  lanes: [...clientLanes.map(({ name }) => name), brokerLane.name],
  async run(run, done) {
    const chosen = clientLanes.filter(({ name }) => run.lanes.includes(name))
    if (chosen.length > 0)
      await runClientLanes(run, async (bench) => {
        for (const lane of chosen) done(await lane.run(bench))
      })
    if (run.lanes.includes(brokerLane.name)) done(await brokerLane.run(run))
  },
}

async function runClientLanes(run: SuiteRun, use: (bench: ClientBench) => Promise<void>): Promise<void> {
  const hasJava = run.reasonWithoutJava === null
  const broker = hasJava
    ? await startKafkaServer({ folder: join(run.folder, 'kafka'), heapOptions: ['-Xms1G', '-Xmx1G'] })
    : await startMillraceBroker({ folder: join(run.folder, 'broker') })
  try {
    const sides = hasJava ? [millraceClient, javaClient(compileJavaSubject(run.folder))] : [millraceClient]
    await use({ ...run, sides, bootstrapServers: broker.bootstrapServers })
  } finally {
    await broker.stop()
  }
}
