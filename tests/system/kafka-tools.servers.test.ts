import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { Producer, silentLogger } from '@millrace/kafka'
import { runKafkaTool, type ToolResult } from '../servers/kafka-server.ts'
import { skipWithoutPeer } from '../servers/peer.ts'
import { type RunningBroker, startMillraceBroker } from './broker-under-test.ts'

describe("Apache Kafka's own tools against the embedded broker", { skip: skipWithoutPeer() }, () => {
  let folder = ''
  let broker: RunningBroker
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-tools-'))
    broker = await startMillraceBroker({ folder })
  })
  after(async () => {
    await broker?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('kafka-topics creates, lists, describes and deletes', async () => {
    await run('TopicCommand', ['--create', '--topic', 'letters', '--partitions', '3', '--replication-factor', '1', '--config', 'retention.ms=600000'])
    const listed = await run('TopicCommand', ['--list'])
    assert.ok(listed.stdout.split('\n').includes('letters'), listed.output)
    const described = await run('TopicCommand', ['--describe', '--topic', 'letters'])
    assert.match(described.stdout, /Topic: letters\s.*PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*retention\.ms=600000/)
    assert.match(described.stdout, /Partition: 2\s+Leader: (\d+)\s+Replicas: \1\s+Isr: \1/)
    await run('TopicCommand', ['--delete', '--topic', 'letters'])
    assert.ok(!(await run('TopicCommand', ['--list'])).stdout.split('\n').includes('letters'))
  })

  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    test(`what kafka-console-producer writes with ${codec}, kafka-console-consumer reads, keys and timestamps included`, async () => {
      const topic = `letters-${codec}`
      await run('TopicCommand', ['--create', '--topic', topic, '--partitions', '1'])
      const input = Array.from({ length: 500 }, (_, index) => `key-${index}:value ${index} Zürich`).join('\n')
      await run(
        'ConsoleProducer',
        ['--topic', topic, '--compression-codec', codec, '--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:'],
        input,
      )
      const read = await run('consumer.ConsoleConsumer', [
        '--topic',
        topic,
        '--from-beginning',
        '--max-messages',
        '500',
        '--timeout-ms',
        '30000',
        '--formatter-property',
        'print.key=true',
        '--formatter-property',
        'key.separator=:',
        '--formatter-property',
        'print.timestamp=true',
      ])
      const lines = read.stdout.trimEnd().split('\n')
      assert.deepEqual(lines.map((line) => line.replace(/^CreateTime:\d+:/, '')).join('\n'), input)
    })
  }

  test('kafka-consumer-groups sees a group and its lag, resets it and deletes it', async () => {
    await run('TopicCommand', ['--create', '--topic', 'counted', '--partitions', '1'])
    await run('ConsoleProducer', ['--topic', 'counted'], 'a\nb\nc\n')
    await run('consumer.ConsoleConsumer', ['--topic', 'counted', '--group', 'readers', '--from-beginning', '--max-messages', '2', '--timeout-ms', '30000'])
    const listed = await run('consumer.group.ConsumerGroupCommand', ['--list'])
    assert.ok(listed.stdout.split('\n').includes('readers'), listed.output)
    const described = await run('consumer.group.ConsumerGroupCommand', ['--describe', '--group', 'readers'])
    assert.match(described.stdout, /readers\s+counted\s+0\s+2\s+3\s+1\b/)
    await run('consumer.group.ConsumerGroupCommand', ['--reset-offsets', '--to-earliest', '--group', 'readers', '--topic', 'counted', '--execute'])
    assert.match((await run('consumer.group.ConsumerGroupCommand', ['--describe', '--group', 'readers'])).stdout, /readers\s+counted\s+0\s+0\s+3\s+3\b/)
    await run('consumer.group.ConsumerGroupCommand', ['--delete', '--group', 'readers'])
    assert.ok(!(await run('consumer.group.ConsumerGroupCommand', ['--list'])).stdout.split('\n').includes('readers'))
  })

  test('kafka-configs and kafka-get-offsets read what the broker has', async () => {
    await run('TopicCommand', ['--create', '--topic', 'settings', '--partitions', '2', '--config', 'cleanup.policy=compact'])
    const configs = await runKafkaTool('kafka.admin.ConfigCommand', ['--bootstrap-server', broker.bootstrapServers, '--describe', '--topic', 'settings'])
    assert.equal(configs.code, 0, configs.output)
    assert.match(configs.stdout, /cleanup\.policy=compact/)
    const offsets = await run('GetOffsetShell', ['--topic', 'settings'])
    assert.deepEqual(offsets.stdout.trim().split('\n').sort(), ['settings:0:0', 'settings:1:0'])
  })

  test('kafka-configs changes settings, kafka-topics adds partitions, kafka-delete-records deletes', async () => {
    await run('TopicCommand', ['--create', '--topic', 'changing', '--partitions', '1'])
    const server = ['--bootstrap-server', broker.bootstrapServers]
    const altered = await runKafkaTool('kafka.admin.ConfigCommand', [...server, '--alter', '--topic', 'changing', '--add-config', 'retention.ms=1234567'])
    assert.equal(altered.code, 0, altered.output)
    await run('TopicCommand', ['--alter', '--topic', 'changing', '--partitions', '2'])
    const described = await run('TopicCommand', ['--describe', '--topic', 'changing'])
    assert.match(described.stdout, /Topic: changing\s.*PartitionCount: 2\s.*retention\.ms=1234567/)
    const records = [0, 1].map((partition) => ({ topic: 'changing', partition, offset: partition === 0 ? 2 : -1 }))
    const file = join(folder, 'delete.json')
    writeFileSync(file, JSON.stringify({ partitions: records, version: 1 }))
    await using producer = closing(new Producer({ 'bootstrap.servers': broker.bootstrapServers }, { logger: silentLogger }))
    for (let index = 0; index < 3; index++) producer.it.send('changing', 0, Date.now(), null, `value ${index}`, null, null)
    await producer.it.flush()
    const deleted = await run('DeleteRecordsCommand', ['--offset-json-file', file])
    assert.match(deleted.stdout, /partition: changing-0\s+low_watermark: 2\b/)
    const offsets = await run('GetOffsetShell', ['--topic', 'changing', '--time', 'earliest'])
    assert.deepEqual(offsets.stdout.trim().split('\n').sort(), ['changing:0:2', 'changing:1:0'])
  })

  async function run(tool: string, args: readonly string[], input = ''): Promise<ToolResult> {
    const result = await runKafkaTool(`org.apache.kafka.tools.${tool}`, ['--bootstrap-server', broker.bootstrapServers, ...args], { input })
    assert.equal(result.code, 0, `${tool} ${args.join(' ')} failed:\n${result.output}`)
    return result
  }
})

function closing<T extends { close(): Promise<void> }>(it: T): { readonly it: T } & AsyncDisposable {
  return { it, [Symbol.asyncDispose]: () => it.close() }
}
