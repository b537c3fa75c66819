import { join } from 'node:path'
import { startKafkaServer } from '../tests/servers/kafka-server.ts'
import { startMillraceBroker } from '../tests/system/broker-under-test.ts'
import { hundredConnectors, thousandConnectors } from './lanes/many-connectors.ts'
import type { Lane } from './lanes/lane.ts'
import { java, packed } from './sides.ts'
import type { Suite } from './suite.ts'

const lanes: readonly Lane[] = [hundredConnectors, thousandConnectors]

/** Workers of a cluster with many connectors, beside Kafka Connect. */
export const clusterSuite: Suite = {
  name: 'cluster',
  title: 'A cluster with many connectors',
  about: (reason) =>
    `Millrace packed and installed; ${reason === null ? 'Kafka Connect against one Apache Kafka' : `without the original (${reason}), against the embedded broker`}; group.initial.rebalance.delay.ms=0`,
  lanes: lanes.map(({ name }) => name),
  async run(run, done) {
    run.say('Packing and installing Millrace …')
    const millrace = packed(run.folder)
    const hasJava = run.reasonWithoutJava === null
    const broker = hasJava
      ? await startKafkaServer({
          folder: join(run.folder, 'kafka'),
          heapOptions: ['-Xms1G', '-Xmx1G'],
          properties: { 'group.initial.rebalance.delay.ms': '0' },
        })
      : await startMillraceBroker({ folder: join(run.folder, 'broker') })
    try {
      for (const lane of lanes.filter(({ name }) => run.lanes.includes(name))) {
        // The original is measured with the smaller number only: the larger one takes it many minutes.
        const sides = lane === hundredConnectors && hasJava ? [millrace, java] : [millrace]
        done(await lane.run({ ...run, sides, bootstrapServers: broker.bootstrapServers, prefix: '' }))
      }
    } finally {
      await broker.stop()
    }
  },
}
