import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AclBinding, Admin, silentLogger as logger } from '@millrace/kafka'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { type KafkaServer, startKafkaServer } from '../servers/kafka-server.ts'
import { skipWithoutPeer } from '../servers/peer.ts'
import { adminSuite } from './admin-suite.ts'

const skip = skipWithoutPeer()
const OLDEST = '3.3.2'

describe('against Apache Kafka with an authorizer', { skip }, () => {
  const endings: (() => void | Promise<void>)[] = []
  let kafka: KafkaServer

  before(async () => {
    kafka = await startKafkaServer({
      folder: temporaryFolder({ after: (action) => endings.push(action) }),
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        // Who connects without security.
        'super.users': 'User:ANONYMOUS',
        // Members that are taken out of a group leave nothing behind that others wait for.
        'group.min.session.timeout.ms': '1000',
      },
    })
  })
  after(async () => {
    await kafka?.killAtOnce()
    for (const end of endings.reverse()) await end()
  })

  adminSuite({ name: 'Apache Kafka', start: async () => ({ bootstrapServers: kafka.bootstrapServers, stop: async () => undefined }) }, { skip })

  test('ACLs are created, found by filters and deleted', async (t) => {
    const admin = new Admin({ 'bootstrap.servers': kafka.bootstrapServers }, { logger })
    t.after(() => admin.close())
    const reading: AclBinding = {
      resourceType: 'TOPIC',
      resourceName: 'orders',
      patternType: 'LITERAL',
      principal: 'User:alice',
      host: '*',
      operation: 'READ',
      permissionType: 'ALLOW',
    }
    const prefixed: AclBinding = { ...reading, resourceName: 'ord', patternType: 'PREFIXED', operation: 'WRITE', permissionType: 'DENY' }
    const grouped: AclBinding = { ...reading, resourceType: 'GROUP', resourceName: '*', principal: 'User:bob', host: '127.0.0.1', operation: 'ALL' }
    const fencing: AclBinding = { ...reading, resourceType: 'TRANSACTIONAL_ID', resourceName: 'connect-cluster', operation: 'TWO_PHASE_COMMIT' }
    const wrong: AclBinding = { ...reading, resourceName: '', principal: 'alice' }
    const created = await admin.createAcls([reading, prefixed, grouped, fencing, wrong])
    assert.deepEqual(
      created.map(({ error }) => error?.code ?? null),
      [null, null, null, null, 'INVALID_REQUEST'],
    )
    assert.equal(created[4]?.binding, wrong)
    const [again] = await admin.createAcls([reading])
    assert.equal(again?.error, null)

    const texts = (bindings: readonly AclBinding[]) => bindings.map((binding) => JSON.stringify(Object.entries(binding).sort())).sort()
    await waitFor(async () => (await admin.describeAcls()).length === 4, { what: 'the rules to be known' })
    assert.deepEqual(texts(await admin.describeAcls()), texts([reading, prefixed, grouped, fencing]))
    assert.deepEqual(texts(await admin.describeAcls({ resourceName: 'orders' })), texts([reading]))
    assert.deepEqual(texts(await admin.describeAcls({ resourceType: 'TOPIC', resourceName: 'orders', patternType: 'MATCH' })), texts([reading, prefixed]))
    assert.deepEqual(texts(await admin.describeAcls({ principal: 'User:bob', operation: 'ALL' })), texts([grouped]))
    assert.deepEqual(await admin.describeAcls({ permissionType: 'DENY', resourceType: 'GROUP' }), [])

    const [some, none] = await admin.deleteAcls([{ principal: 'User:alice', resourceType: 'TOPIC' }, { resourceName: 'nothing' }])
    assert.deepEqual([some?.error, none?.error, none?.deleted], [null, null, []])
    assert.deepEqual(texts(some!.deleted.map(({ binding }) => binding)), texts([reading, prefixed]))
    assert.ok(some!.deleted.every(({ error }) => error === null))
    await waitFor(async () => (await admin.describeAcls()).length === 2, { what: 'the rules to be gone' })
    const [rest] = await admin.deleteAcls([{}])
    assert.equal(rest?.deleted.length, 2)
  })
})

adminSuite(
  {
    name: `Apache Kafka ${OLDEST}`,
    async start() {
      const endings: (() => void | Promise<void>)[] = []
      const kafka = await startKafkaServer({ folder: temporaryFolder({ after: (action) => endings.push(action) }), release: OLDEST })
      return {
        bootstrapServers: kafka.bootstrapServers,
        async stop() {
          await kafka.killAtOnce()
          for (const end of endings) await end()
        },
      }
    },
  },
  { skip: skipWithoutPeer(OLDEST) },
)
