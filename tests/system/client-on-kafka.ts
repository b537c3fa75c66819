import { after, before, describe } from 'node:test'
import { clientConformance, temporaryFolder } from '@millrace/testing'
import { type KafkaServer, startKafkaServer } from '../servers/kafka-server.ts'
import { type KafkaRelease, skipWithoutPeer } from '../servers/peer.ts'
import { transactionsSuite } from './transactions-suite.ts'

/** The main suites of our client against a broker of one release of Apache Kafka: producing, consuming, groups, administration, transactions. */
export function clientOnKafka(release: KafkaRelease): void {
  const skip = skipWithoutPeer(release)

  describe(`the client on Apache Kafka ${release}`, { skip }, () => {
    const endings: (() => void | Promise<void>)[] = []
    let kafka: KafkaServer | undefined

    before(async () => {
      kafka = await startKafkaServer({ folder: temporaryFolder({ after: (action) => endings.push(action) }), release })
    })
    after(async () => {
      await kafka?.killAtOnce()
      for (const end of endings.reverse()) await end()
    })

    clientConformance(() => kafka!.bootstrapServers)
  })

  transactionsSuite({ name: `Apache Kafka ${release}`, start: ({ folder, port }) => startKafkaServer({ folder, port, release }) }, { skip })
}
