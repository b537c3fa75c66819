import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { clientConformance } from '@millrace/testing'
import { apiHandlers } from './api-handlers.ts'
import { type Broker, startBroker } from './broker.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'
import { connected, startedBroker } from './fixtures/started-broker.ts'
import { temporaryFolder } from './fixtures/temporary-folder.ts'
import type { KafkaRelease } from './kafka-releases.ts'
import { offeredApis } from './offered-apis.ts'

test('offers what a release of Kafka offers, and nothing that came later', async (t) => {
  const { client } = await startedBroker(t, { apiVersions: '3.3' })
  const { apiKeys } = await client.send('ApiVersions', 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
  const of = (key: number) => apiKeys.find(({ apiKey }) => apiKey === key)
  assert.deepEqual(of(1), { apiKey: 1, minVersion: 4, maxVersion: 13 })
  assert.equal(of(75), undefined)
  await assert.rejects(client.send('Metadata', 13, { topics: [] }), /closed/)
})

test('offers chosen versions only, and what is left out closes the connection', async (t) => {
  const { client, broker } = await startedBroker(t, { apiVersions: { Metadata: { min: 5, max: 9 }, DescribeCluster: null } })
  await assert.rejects(client.send('DescribeCluster', 0, { includeClusterAuthorizedOperations: false }), /closed/)
  const other = await connected(t, broker)
  assert.equal((await other.send('Metadata', 9, { topics: [] })).controllerId, 1)
  await assert.rejects(other.send('Metadata', 4, { topics: [] }), /closed/)
})

test('refuses releases and versions that there are not', () => {
  const offer = (limits: unknown) => () => offeredApis(apiHandlers.values(), limits as KafkaRelease)
  for (const limits of ['1.0', { Fetch: { min: 0, max: 4 } }, { Fetch: { min: 9, max: 8 } }, { ApiVersions: null }]) {
    assert.throws(offer(limits), { code: 'BROKER_CONFIG_INVALID' }, JSON.stringify(limits))
  }
})

// The oldest, and two that many run. What they wait for takes longer than what they do.
describe('the client with the versions of Kafka', { concurrency: true }, () => {
  for (const release of ['2.4', '3.3', '3.9'] as const) {
    describe(release, () => {
      const endings: (() => void | Promise<void>)[] = []
      let broker: Broker
      before(async () => {
        const dataDir = temporaryFolder({ after: (action) => endings.push(action) })
        broker = await startBroker({ port: 0, dataDir, logger: recordingLogger(), apiVersions: release })
        endings.push(() => broker.close())
      })
      after(async () => {
        for (const end of endings.reverse()) await end()
      })
      clientConformance(() => `${broker.host}:${broker.port}`)
    })
  }
})
