import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { waitFor } from '@millrace/testing'
import { type Clock, monotonicClock } from './clock.ts'
import { Cluster } from './cluster.ts'
import { adminConfig } from './config/admin-config.ts'
import { ScriptedBrokers } from './fixtures/scripted-brokers.ts'
import { Coordinator } from './group/coordinator.ts'
import { silentLogger as logger } from './logger.ts'

async function bench(t: TestContext, { clock = monotonicClock }: { readonly clock?: Clock } = {}): Promise<{ brokers: ScriptedBrokers; cluster: Cluster }> {
  const brokers = await ScriptedBrokers.start(t, 2)
  brokers.topics = { t: [{ leader: 1, leaderEpoch: 1 }] }
  const config = adminConfig({ 'bootstrap.servers': brokers.bootstrapServers, 'retry.backoff.ms': '1', 'reconnect.backoff.ms': '1' }, logger)
  const cluster = new Cluster({ config, logger, clock, topics: () => ['t'] })
  t.after(() => cluster.close())
  await cluster.refresh()
  return { brokers, cluster }
}

const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' }

test('what is pending at a broker that has left the cluster fails so that it is tried elsewhere', async (t) => {
  const { brokers, cluster } = await bench(t)
  brokers.on('Heartbeat', () => 'silence')
  const node = cluster.node(1)!
  const pending = cluster.request(node, 'coordinator', 'Heartbeat', heartbeat)
  await waitFor(() => brokers.of('Heartbeat').length > 0, { what: 'the request', intervalMs: 1 })
  brokers.alive = [2]
  await Promise.all([assert.rejects(pending, { code: 'NETWORK_EXCEPTION', retriable: true }), cluster.refresh()])
  await assert.rejects(cluster.request(node, 'coordinator', 'Heartbeat', heartbeat), { code: 'NETWORK_EXCEPTION', retriable: true })
})

test('a coordinator that has left the cluster is looked for again', async (t) => {
  const { brokers, cluster } = await bench(t)
  brokers.on('Heartbeat', () => ({ errorCode: 0 }))
  const coordinator = new Coordinator(cluster, 'g')
  await coordinator.request('coordinator', 'Heartbeat', heartbeat)
  brokers.alive = [2]
  brokers.coordinator = 2
  await cluster.refresh()
  await assert.rejects(coordinator.request('coordinator', 'Heartbeat', heartbeat), { retriable: true })
  await coordinator.request('coordinator', 'Heartbeat', heartbeat)
  assert.deepEqual(
    brokers.of('Heartbeat').map(({ broker }) => broker),
    [1, 2],
  )
})

test('a broker that owes answers is not asked for what others know as well', async (t) => {
  let now = 0
  const { brokers, cluster } = await bench(t, { clock: { now: () => now } })
  const silent = brokers.of('Metadata')[0]!.broker
  brokers.on('ListGroups', ({ broker }) => (broker === silent ? 'silence' : { errorCode: 0, groups: [] }))
  const pending = cluster.request(cluster.node(silent)!, 'data', 'ListGroups', {})
  await waitFor(() => brokers.of('ListGroups').length > 0, { what: 'the request', intervalMs: 1 })
  now += 1_500
  for (let i = 0; i < 5; i++) await cluster.requestAny('ListGroups', {})
  await Promise.all([assert.rejects(pending, { code: 'CLIENT_CLOSED' }), cluster.close()])
})

test('closing does not wait for a connection to a broker that does not answer', async (t) => {
  const { brokers, cluster } = await bench(t)
  brokers.on('ApiVersions', () => 'silence')
  const opening = cluster.request(cluster.node(1)!, 'fetch', 'Heartbeat', heartbeat)
  await Promise.all([assert.rejects(opening, { code: 'CLIENT_CLOSED' }), cluster.close()])
})

test('whoever asks for metadata in the same turn, or about topics that nobody has asked about yet, does not wait for the pause between fetches', async (t) => {
  const brokers = await ScriptedBrokers.start(t, 1)
  brokers.topics = { t: [{ leader: 1, leaderEpoch: 1 }], u: [{ leader: 1, leaderEpoch: 1 }] }
  const config = adminConfig({ 'bootstrap.servers': brokers.bootstrapServers, 'retry.backoff.ms': '600000', 'retry.backoff.max.ms': '600000' }, logger)
  const topics = ['t']
  const cluster = new Cluster({ config, logger, clock: monotonicClock, topics: () => [...topics] })
  t.after(() => cluster.close())
  const first = Promise.all([cluster.refresh(), cluster.refresh()])
  await waitFor(() => brokers.of('Metadata').length > 0, { what: 'the first fetch', intervalMs: 1 })
  topics.push('u')
  await Promise.all([first, cluster.refresh()])
  assert.equal(cluster.leader('u', 0)?.id, 1)
  assert.equal(brokers.of('Metadata').length, 2)
})

const join = { groupId: 'g', sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 60_000, memberId: '', protocolType: 'consumer', protocols: [] }

for (const [purpose, api, body, silentMs] of [
  ['data', 'Heartbeat', heartbeat, 6_000],
  ['fetch', 'Heartbeat', heartbeat, 6_000],
  ['coordinator', 'Heartbeat', heartbeat, 6_000],
  // Which waits for the other members, too.
  ['coordinator', 'JoinGroup', join, 36_000],
] as const) {
  test(`asks who is there when a broker lets a request wait for ${silentMs} ms (${api}, ${purpose})`, async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    let now = 0
    const { brokers, cluster } = await bench(t, { clock: { now: () => now } })
    brokers.on(api, () => 'silence')
    const pending = cluster.request(cluster.node(1)!, purpose, api, body, 60_000)
    await waitFor(() => brokers.of(api).length > 0, { what: 'the request', intervalMs: 1 })
    brokers.alive = [2]
    now += silentMs
    t.mock.timers.tick(5_000)
    await assert.rejects(pending, { code: 'NETWORK_EXCEPTION', retriable: true })
  })
}
