import assert from 'node:assert/strict'
import test from 'node:test'
import { startBroker } from '@millrace/broker'
import { Admin, silentLogger as logger } from '@millrace/kafka'
import { temporaryFolder } from '@millrace/testing'
import { adminSuite } from './admin-suite.ts'

async function start() {
  const endings: (() => void | Promise<void>)[] = []
  const properties = { 'group.initial.rebalance.delay.ms': '0' }
  const broker = await startBroker({ port: 0, dataDir: temporaryFolder({ after: (action) => endings.push(action) }), logger, properties })
  return {
    bootstrapServers: `${broker.host}:${broker.port}`,
    async stop() {
      await broker.close()
      for (const end of endings) await end()
    },
  }
}

adminSuite({ name: 'the embedded broker', start }, { skip: false })

test('ACLs are refused by name where there is no authorizer', async (t) => {
  const broker = await start()
  const admin = new Admin({ 'bootstrap.servers': broker.bootstrapServers }, { logger })
  t.after(async () => {
    await admin.close()
    await broker.stop()
  })
  await assert.rejects(admin.describeAcls(), { code: 'SECURITY_DISABLED' })
  const binding = {
    resourceType: 'TOPIC',
    resourceName: 't',
    patternType: 'LITERAL',
    principal: 'User:a',
    host: '*',
    operation: 'READ',
    permissionType: 'ALLOW',
  } as const
  const [created] = await admin.createAcls([binding])
  assert.equal(created?.error?.code, 'SECURITY_DISABLED')
  const [deleted] = await admin.deleteAcls([{ resourceName: 't' }])
  assert.equal(deleted?.error?.code, 'SECURITY_DISABLED')
})
