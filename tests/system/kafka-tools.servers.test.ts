import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startBrokerThread } from '@millrace/broker'
import { Producer, silentLogger } from '@millrace/kafka'
import { skipWithoutPeer } from '../servers/peer.ts'
import { type RunningBroker, startMillraceBroker } from './broker-under-test.ts'
import { KafkaTools, type ToolOutcome } from './kafka-tools.ts'

describe("Apache Kafka's own tools against the embedded broker", { skip: skipWithoutPeer() }, () => {
  let folder = ''
  let broker: RunningBroker
  let tools: KafkaTools
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-tools-'))
    tools = new KafkaTools()
    broker = await startMillraceBroker({ folder })
  })
  after(async () => {
    await tools?.close()
    await broker?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Runs a tool on the broker, whatever comes of it. */
  function attempt(tool: string, args: readonly string[], input = ''): Promise<ToolOutcome> {
    const mainClass = tool.startsWith('kafka.') ? tool : `org.apache.kafka.tools.${tool}`
    return tools.run(mainClass, ['--bootstrap-server', broker.bootstrapServers, ...args], input)
  }

  /** Runs a tool that has to succeed. */
  async function run(tool: string, args: readonly string[], input = ''): Promise<ToolOutcome> {
    const outcome = await attempt(tool, args, input)
    assert.equal(outcome.code, 0, `${tool} ${args.join(' ')} failed:\n${outcome.output}`)
    return outcome
  }

  const linesOf = ({ stdout }: ToolOutcome) => stdout.trimEnd().split('\n')
  const createTopic = (topic: string, partitions = 1, ...more: string[]) =>
    run('TopicCommand', ['--create', '--topic', topic, '--partitions', String(partitions), ...more])
  const groups = (...args: string[]) => run('consumer.group.ConsumerGroupCommand', args)
  const configs = (...args: string[]) => run('kafka.admin.ConfigCommand', args)

  test('kafka-topics creates, lists, describes, alters and deletes', async () => {
    await createTopic('letters', 3, '--replication-factor', '1', '--config', 'retention.ms=600000')
    assert.ok(linesOf(await run('TopicCommand', ['--list'])).includes('letters'))
    const described = await run('TopicCommand', ['--describe', '--topic', 'letters'])
    assert.match(described.stdout, /Topic: letters\s.*PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*retention\.ms=600000/)
    assert.match(described.stdout, /Partition: 2\s+Leader: (\d+)\s+Replicas: \1\s+Isr: \1/)
    await run('TopicCommand', ['--alter', '--topic', 'letters', '--partitions', '4'])
    assert.match((await run('TopicCommand', ['--describe', '--topic', 'letters'])).stdout, /PartitionCount: 4/)
    assert.match((await attempt('TopicCommand', ['--alter', '--topic', 'letters', '--partitions', '2'])).output, /2 would not be an increase/)
    assert.equal((await run('TopicCommand', ['--describe', '--unavailable-partitions'])).stdout.trim(), '')
    await run('TopicCommand', ['--delete', '--topic', 'letters'])
    assert.ok(!linesOf(await run('TopicCommand', ['--list'])).includes('letters'))
  })

  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    test(`what kafka-console-producer writes with ${codec}, kafka-console-consumer reads, keys and timestamps included`, async () => {
      const topic = `letters-${codec}`
      await createTopic(topic)
      const input = Array.from({ length: 500 }, (_, index) => `key-${index}:value ${index} Zürich`).join('\n')
      const keys = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:']
      await run('ConsoleProducer', ['--topic', topic, '--compression-codec', codec, ...keys], input)
      const print = ['print.key=true', 'key.separator=:', 'print.timestamp=true'].flatMap((property) => ['--formatter-property', property])
      const end = ['--max-messages', '500', '--timeout-ms', '30000']
      const read = await run('consumer.ConsoleConsumer', ['--topic', topic, '--from-beginning', ...end, ...print])
      assert.deepEqual(
        linesOf(read)
          .map((line) => line.replace(/^CreateTime:\d+:/, ''))
          .join('\n'),
        input,
      )
    })
  }

  test('kafka-consumer-groups sees a group and its lag, sets its offsets in every way and deletes it', async () => {
    await createTopic('counted')
    await run('ConsoleProducer', ['--topic', 'counted'], 'a\nb\nc\n')
    await run('consumer.ConsoleConsumer', ['--topic', 'counted', '--group', 'readers', '--from-beginning', '--max-messages', '2', '--timeout-ms', '30000'])
    assert.ok(linesOf(await groups('--list')).includes('readers'))
    assert.match((await groups('--describe', '--group', 'readers')).stdout, /readers\s+counted\s+0\s+2\s+3\s+1\b/)
    assert.match((await groups('--describe', '--group', 'readers', '--state')).stdout, /readers\s.*Empty\s+0/)
    const reset = async (...how: string[]) => {
      const { stdout } = await groups('--reset-offsets', ...how, '--group', 'readers', '--topic', 'counted', '--execute')
      return /readers\s+counted\s+0\s+(\d+)/.exec(stdout)?.[1]
    }
    const offsets = []
    for (const how of [
      ['--to-earliest'],
      ['--to-latest'],
      ['--shift-by', '-2'],
      ['--to-offset', '2'],
      ['--to-datetime', '2020-01-01T00:00:00.000'],
      ['--by-duration', 'PT0S'],
    ]) {
      offsets.push(await reset(...how))
    }
    assert.deepEqual(offsets, ['0', '3', '1', '2', '0', '3'])
    assert.match((await groups('--describe', '--group', 'readers')).stdout, /readers\s+counted\s+0\s+3\s+3\s+0\b/)
    await groups('--delete-offsets', '--group', 'readers', '--topic', 'counted')
    assert.doesNotMatch((await groups('--describe', '--group', 'readers')).output, /readers\s+counted/)
    await reset('--to-earliest')
    await groups('--delete', '--group', 'readers')
    assert.ok(!linesOf(await groups('--list')).includes('readers'))
  })

  test('kafka-configs shows and changes settings of topics, and shows those of all else', async () => {
    await createTopic('settings', 2, '--config', 'cleanup.policy=compact')
    assert.match((await configs('--describe', '--topic', 'settings')).stdout, /cleanup\.policy=compact/)
    await configs('--alter', '--topic', 'settings', '--add-config', 'retention.ms=1234567,cleanup.policy=[delete,compact]')
    await configs('--alter', '--topic', 'settings', '--delete-config', 'cleanup.policy')
    const described = (await configs('--describe', '--topic', 'settings')).stdout
    assert.match(described, /retention\.ms=1234567/)
    assert.doesNotMatch(described, /cleanup\.policy/)
    assert.match((await configs('--describe', '--entity-type', 'brokers', '--entity-name', '1', '--all')).stdout, /num\.partitions=1/)
    for (const type of ['brokers', 'users', 'clients', 'groups', 'client-metrics', 'topics']) await configs('--describe', '--entity-type', type)
    const broker = await attempt('kafka.admin.ConfigCommand', ['--alter', '--broker', '1', '--add-config', 'log.cleaner.threads=2'])
    assert.match(broker.output, /changes the settings of topics only/)
  })

  test('kafka-delete-records deletes, and kafka-get-offsets finds every end', async () => {
    await createTopic('changing', 2)
    const records = [0, 1].map((partition) => ({ topic: 'changing', partition, offset: partition === 0 ? 2 : -1 }))
    const file = join(folder, 'delete.json')
    writeFileSync(file, JSON.stringify({ partitions: records, version: 1 }))
    const producer = new Producer({ 'bootstrap.servers': broker.bootstrapServers }, { logger: silentLogger })
    for (let index = 0; index < 3; index++) producer.send('changing', 0, 1_000_000 + index, null, `value ${index}`, null, null)
    await producer.close()
    assert.match((await run('DeleteRecordsCommand', ['--offset-json-file', file])).stdout, /partition: changing-0\s+low_watermark: 2\b/)
    const offsets = async (time: string) => linesOf(await run('GetOffsetShell', ['--topic', 'changing', '--time', time])).sort()
    assert.deepEqual(await offsets('earliest'), ['changing:0:2', 'changing:1:0'])
    assert.deepEqual(await offsets('latest'), ['changing:0:3', 'changing:1:0'])
    assert.deepEqual(await offsets('max-timestamp'), ['changing:0:2'])
    assert.deepEqual(await offsets('1000002'), ['changing:0:2'])
  })

  test('kafka-producer-perf-test and kafka-consumer-perf-test move their records, also in transactions', async () => {
    await createTopic('perf', 2)
    const produced = await tools.run('org.apache.kafka.tools.ProducerPerformance', [
      ...['--topic', 'perf', '--num-records', '20000', '--record-size', '100', '--throughput', '-1'],
      ...['--producer-props', `bootstrap.servers=${broker.bootstrapServers}`],
    ])
    assert.match(produced.stdout, /^20000 records sent/m, produced.output)
    const consumed = await run('ConsumerPerformance', ['--topic', 'perf', '--num-records', '20000', '--timeout', '30000'])
    assert.match(consumed.stdout, /, 20000, /)
    await createTopic('perf-tx')
    const inTransactions = await tools.run('org.apache.kafka.tools.ProducerPerformance', [
      ...[
        '--topic',
        'perf-tx',
        '--num-records',
        '2000',
        '--record-size',
        '100',
        '--throughput',
        '-1',
        '--transactional-id',
        'perf',
        '--transaction-duration-ms',
        '50',
      ],
      ...['--producer-props', `bootstrap.servers=${broker.bootstrapServers}`],
    ])
    assert.match(inTransactions.stdout, /^2000 records sent/m, inTransactions.output)
    const end = ['--max-messages', '2000', '--timeout-ms', '30000', '--isolation-level', 'read_committed']
    assert.equal(linesOf(await run('consumer.ConsoleConsumer', ['--topic', 'perf-tx', '--from-beginning', ...end])).length, 2000)
  })

  test('kafka-transactions lists, describes and aborts an open transaction', async () => {
    await createTopic('ledger')
    const properties = { 'bootstrap.servers': broker.bootstrapServers, 'transactional.id': 'left-open', 'transaction.timeout.ms': '600000' }
    const producer = new Producer(properties, { logger: silentLogger })
    await producer.initTransactions()
    producer.beginTransaction()
    producer.send('ledger', 0, Date.now(), null, 'never committed', null, null)
    await producer.flush()
    const transactions = (...args: string[]) => run('TransactionsCommand', args)
    assert.match((await transactions('list')).stdout, /left-open\s+1\s+\d+\s+Ongoing/)
    assert.match((await transactions('describe', '--transactional-id', 'left-open')).stdout, /left-open\s.*Ongoing\s.*ledger-0/)
    const shown = /^(\d+)\s+(\d+)\s+\S+\s+0\s+\d+\s+0\s*$/m.exec((await transactions('describe-producers', '--topic', 'ledger', '--partition', '0')).stdout)
    assert.ok(shown, 'the producer with its open transaction')
    await transactions('find-hanging', '--broker-id', '1')
    await transactions('abort', '--topic', 'ledger', '--partition', '0', '--start-offset', '0')
    assert.match((await transactions('describe-producers', '--topic', 'ledger', '--partition', '0')).stdout, /None/)
    const read = ['--topic', 'ledger', '--from-beginning', '--timeout-ms', '3000', '--isolation-level', 'read_committed']
    assert.equal((await run('consumer.ConsoleConsumer', read)).stdout, '')
    await producer.close({ timeoutMs: 0 })
  })

  test('what the broker does not have is refused with a reason', async () => {
    for (const args of [['--list'], ['--add', '--allow-principal', 'User:a', '--operation', 'Read', '--topic', 'perf']]) {
      const refused = await attempt('AclCommand', args)
      assert.equal(refused.code, 1)
      assert.match(refused.output, /SecurityDisabledException: No Authorizer is configured/)
    }
    assert.match((await attempt('MetadataQuorumCommand', ['describe', '--status'])).output, /UnsupportedVersionException/)
    const scram = ['--alter', '--add-config', 'SCRAM-SHA-256=[password=secret]', '--entity-type', 'users', '--entity-name', 'alice']
    assert.match((await attempt('kafka.admin.ConfigCommand', scram)).output, /UnsupportedVersionException/)
  })

  test('kafka-log-dirs, kafka-cluster, kafka-broker-api-versions, kafka-groups, kafka-leader-election and kafka-reassign-partitions find what they look for', async () => {
    await createTopic('sized')
    await run('ConsoleProducer', ['--topic', 'sized'], 'a\n')
    const dirs = JSON.parse(linesOf(await run('LogDirsCommand', ['--describe', '--topic-list', 'sized'])).at(-1)!) as {
      brokers: { logDirs: { partitions: { partition: string; size: number }[] }[] }[]
    }
    const [partition] = dirs.brokers[0]!.logDirs[0]!.partitions
    assert.ok(partition!.partition === 'sized-0' && partition!.size > 60, JSON.stringify(partition))
    assert.match(
      (await tools.run('org.apache.kafka.tools.ClusterTool', ['cluster-id', '--bootstrap-server', broker.bootstrapServers])).stdout,
      /^Cluster ID: \S{22}$/m,
    )
    assert.match(
      (await tools.run('org.apache.kafka.tools.ClusterTool', ['list-endpoints', '--bootstrap-server', broker.bootstrapServers])).stdout,
      /127\.0\.0\.1/,
    )
    const versions = await run('BrokerApiVersionsCommand', [])
    assert.match(versions.stdout, /Produce\(0\): 0 to 13 \[usable: 13\]/)
    await run('GroupsCommand', ['--list'])
    await run('LeaderElectionCommand', ['--election-type', 'preferred', '--all-topic-partitions'])
    assert.match((await run('reassign.ReassignPartitionsCommand', ['--list'])).stdout, /No partition reassignments found/)
  })

  test('Java clients prove who they are with every mechanism, over TLS too, and are told why they are refused', async (t) => {
    const testdata = join(import.meta.dirname, '..', '..', 'packages', 'kafka', 'testdata')
    const read = (name: string) => readFileSync(join(testdata, name), 'utf8')
    const tls = { key: read('server-key.pem'), cert: read('server.pem') }
    const sasl = { users: { alice: 'alice-secret' } }
    const trust = `security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location=${join(testdata, 'ca.pem')}\n`
    const logger = silentLogger
    for (const [index, [security, protocol]] of [[{ sasl }, 'security.protocol=SASL_PLAINTEXT\n'] as const, [{ tls, sasl }, trust] as const].entries()) {
      const secured = await startBrokerThread({ port: 0, dataDir: join(folder, `secured-${index}`), logger, security })
      t.after(() => secured.close())
      const list = (mechanism: string, password: string) => {
        const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
        const jaas = `org.apache.kafka.common.security.${module} required username="alice" password="${password}";`
        const file = join(folder, 'client.properties')
        writeFileSync(file, `${protocol}sasl.mechanism=${mechanism}\nsasl.jaas.config=${jaas}\n`)
        return tools.run('org.apache.kafka.tools.TopicCommand', ['--bootstrap-server', `localhost:${secured.port}`, '--command-config', file, '--list'])
      }
      for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
        const listed = await list(mechanism, 'alice-secret')
        assert.equal(listed.code, 0, listed.output)
        const refused = await list(mechanism, 'wrong')
        assert.match(refused.output, mechanism === 'PLAIN' ? /Invalid username or password/ : /invalid credentials with SASL mechanism/)
      }
    }
  })
})
