import { after, before, describe } from 'node:test'
import { type Broker, startBroker } from '@millrace/broker'
import { clientConformance, temporaryFolder } from '@millrace/testing'
import { silentLogger as logger } from './logger.ts'

describe('with the embedded broker', () => {
  const endings: (() => void | Promise<void>)[] = []
  let broker: Broker

  before(async () => {
    const dataDir = temporaryFolder({ after: (action) => endings.push(action) })
    broker = await startBroker({ port: 0, dataDir, logger })
    endings.push(() => broker.close())
  })

  after(async () => {
    for (const end of endings.reverse()) await end()
  })

  clientConformance(() => `${broker.host}:${broker.port}`)
})
