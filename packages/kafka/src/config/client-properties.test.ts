import assert from 'node:assert/strict'
import test from 'node:test'
import { silentLogger } from '../logger.ts'
import { adminConfig } from './admin-config.ts'
import { clientKeys } from './client-keys.ts'
import { bootstrapServers } from './connection-config.ts'
import { consumerConfig } from './consumer-config.ts'
import { producerConfig } from './producer-config.ts'

const base = { 'bootstrap.servers': 'localhost:9092' }

function warnings(): { logger: typeof silentLogger; lines: string[] } {
  const lines: string[] = []
  const note = (line: string) => lines.push(line)
  return { logger: { ...silentLogger, warn: note, info: note }, lines }
}

test('without settings the defaults are those of the Java clients', () => {
  const producer = producerConfig(base, silentLogger)
  assert.equal(producer.acks, -1)
  assert.equal(producer.isIdempotent, true)
  assert.equal(producer.lingerMs, 5)
  assert.equal(producer.deliveryTimeoutMs, 120_000)
  const consumer = consumerConfig(base, silentLogger)
  assert.deepEqual([consumer.offsetReset, consumer.pollRecordsMax, consumer.isAutoCommit, consumer.groupId], ['latest', 500, false, null])
})

test('bootstrap.servers is needed', () => {
  assert.throws(() => adminConfig({}, silentLogger), { message: 'Missing required configuration "bootstrap.servers" which has no default value.' })
  assert.throws(() => adminConfig({ 'bootstrap.servers': ' ' }, silentLogger), { message: 'No resolvable bootstrap urls given in bootstrap.servers' })
})

test('bootstrap servers may be names, addresses and carry a protocol', () => {
  assert.deepEqual(bootstrapServers(['a.b-c:1', '[::1]:9092', 'PLAINTEXT://h:65535']), [
    { host: 'a.b-c', port: 1 },
    { host: '::1', port: 9092 },
    { host: 'h', port: 65535 },
  ])
  for (const wrong of ['host', 'host:', 'host:0', 'host:65536', ':9092', 'a:b:1']) {
    assert.throws(() => bootstrapServers([wrong]), { message: `Invalid url in bootstrap.servers: ${wrong}` })
  }
})

test('values of the wrong type or out of range are refused in the words of the Java clients', () => {
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ 'linger.ms': 'soon' }, 'Invalid value soon for configuration linger.ms: Not a number of type LONG'],
    [{ 'batch.size': '-1' }, 'Invalid value -1 for configuration batch.size: Value must be at least 0'],
    [{ 'batch.size': '2147483648' }, 'Invalid value 2147483648 for configuration batch.size: Not a number of type INT'],
    [{ 'enable.idempotence': 'yes' }, 'Invalid value yes for configuration enable.idempotence: Expected value to be either true or false'],
    [{ acks: '2' }, 'Invalid value 2 for configuration acks: String must be one of: all, -1, 0, 1'],
    [{ 'compression.type': 'brotli' }, 'Invalid value brotli for configuration compression.type: String must be one of: none, gzip, snappy, lz4, zstd'],
    [{ 'delivery.timeout.ms': '1' }, 'delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms'],
  ]
  for (const [properties, message] of cases) {
    assert.throws(() => producerConfig({ ...base, ...properties }, silentLogger), { code: 'INVALID_CONFIGURATION', message })
  }
})

test("Java's largest long is as good as for ever", () => {
  assert.ok(producerConfig({ ...base, 'max.block.ms': '9223372036854775807' }, silentLogger).maxBlockMs > 1e15)
})

test('a setting that excludes idempotence turns it off, unless idempotence was asked for', () => {
  const conflicts: readonly Record<string, string>[] = [{ acks: '1' }, { retries: '0' }, { 'max.in.flight.requests.per.connection': '6' }]
  for (const conflict of conflicts) {
    assert.equal(producerConfig({ ...base, ...conflict }, silentLogger).isIdempotent, false)
    assert.throws(() => producerConfig({ ...base, ...conflict, 'enable.idempotence': 'true' }, silentLogger), /idempotent producer/)
  }
})

test('unknown keys are named in one warning', () => {
  const { logger, lines } = warnings()
  consumerConfig({ ...base, 'no.such.key': '1', 'max.pol.records': '5' }, logger)
  assert.deepEqual(lines, ['These configurations of the consumer are not known and have no effect: "no.such.key", "max.pol.records".'])
})

test('keys that are set and do nothing are told once, with the reason', () => {
  const told: string[] = []
  const logger = { ...silentLogger, info: (message: string) => void told.push(message), isDebugEnabled: false }
  const values = { 'metric.reporters': 'com.example.Reporter', 'value.deserializer': 'com.example.Own', 'client.dns.lookup': 'use_all_dns_ips' }
  consumerConfig({ ...base, ...values }, logger)
  assert.deepEqual(
    told.map((message) => message.replace(/\(.*\)/, '()')),
    ['These configurations of the consumer have no effect here: "metric.reporters" ()'],
  )
  assert.match(told[0]!, /Java classes/)
})

test('refused keys are named, unless they have their default', () => {
  assert.throws(() => consumerConfig({ ...base, 'interceptor.classes': 'a.B' }, silentLogger), /"interceptor.classes" is not supported/)
  assert.equal(consumerConfig({ ...base, 'interceptor.classes': '', 'security.protocol': 'plaintext' }, silentLogger).pollRecordsMax, 500)
})

test('each key stands in the table once for each client, in order, and with a reason where it has no effect', () => {
  const names = clientKeys.map(({ name }) => name)
  assert.deepEqual(names, [...names].sort())
  const ofClients = clientKeys.flatMap(({ name, clients }) => clients.map((client) => `${client} ${name}`))
  assert.equal(new Set(ofClients).size, ofClients.length)
  for (const { name, support, note } of clientKeys) assert.ok(support === 'supported' || note.length > 10, name)
})

test('a transactional id needs idempotence', () => {
  const given = producerConfig({ ...base, 'transactional.id': 't', 'transaction.timeout.ms': '1000' }, silentLogger)
  assert.deepEqual([given.transactionalId, given.transactionTimeoutMs, given.isIdempotent], ['t', 1_000, true])
  const conflicts = { 'enable.idempotence': 'false', acks: '1', retries: '0' }
  for (const [name, value] of Object.entries(conflicts)) {
    assert.throws(() => producerConfig({ ...base, 'transactional.id': 't', [name]: value }, silentLogger), {
      message: 'Cannot set a transactional.id without also enabling idempotence.',
    })
  }
})

test('bootstrap servers are asked again unless metadata.recovery.strategy forbids it', () => {
  assert.equal(adminConfig(base, silentLogger).isRebootstrapping, true)
  assert.equal(adminConfig({ ...base, 'metadata.recovery.strategy': 'NONE' }, silentLogger).isRebootstrapping, false)
  assert.throws(() => adminConfig({ ...base, 'metadata.recovery.strategy': 'sometimes' }, silentLogger), { code: 'INVALID_CONFIGURATION' })
})

test('auto.offset.reset takes a duration as Java writes it', () => {
  const reset = (value: string) => consumerConfig({ ...base, 'auto.offset.reset': value }, silentLogger).offsetReset
  assert.deepEqual(reset('by_duration:P1DT2H3M4.5S'), { ageMs: ((26 * 60 + 3) * 60 + 4) * 1000 + 500 })
  assert.deepEqual(reset('by_duration:pt0.001s'), { ageMs: 1 })
  assert.deepEqual(reset('by_duration:P7D'), { ageMs: 7 * 86_400_000 })
  for (const wrong of [
    'by_duration:',
    'by_duration:P',
    'by_duration:PT',
    'by_duration:P1DT',
    'by_duration:-PT1H',
    'by_duration:PT-1H',
    'by_duration:1h',
    'newest',
  ]) {
    assert.throws(() => reset(wrong), { code: 'INVALID_CONFIGURATION', message: /^Invalid value .* for configuration auto\.offset\.reset/ })
  }
})

test('the assignors that are supported are offered in the order in which they are named', () => {
  const offered = (value?: string) => {
    return consumerConfig(value === undefined ? base : { ...base, 'partition.assignment.strategy': value }, silentLogger).assignors
  }
  assert.deepEqual(offered(), ['range', 'cooperative-sticky'])
  const java = 'org.apache.kafka.clients.consumer'
  assert.deepEqual(offered(`${java}.RoundRobinAssignor, com.example.OwnAssignor, ${java}.StickyAssignor`), ['roundrobin', 'sticky'])
  assert.throws(() => offered('com.example.OwnAssignor'), { code: 'INVALID_CONFIGURATION', message: /OwnAssignor.*RoundRobinAssignor/ })
})
