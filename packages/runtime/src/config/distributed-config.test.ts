import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Logger } from '@millrace/api'
import type { DistributedConfig } from './distributed-config.ts'
import { parseWorkerConfig } from './worker-config.ts'

const MINIMAL = {
  'bootstrap.servers': 'localhost:9092',
  'key.converter': 'StringConverter',
  'value.converter': 'JsonConverter',
  'group.id': 'cluster',
  'config.storage.topic': 'configs',
  'offset.storage.topic': 'offsets',
  'status.storage.topic': 'statuses',
}

function parse(properties: Record<string, string>): { config: DistributedConfig; warnings: string[] } {
  const warnings: string[] = []
  const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn: (message) => void warnings.push(message), error() {} }
  const { distributed } = parseWorkerConfig({ mode: 'distributed', properties, logger })
  assert.ok(distributed !== null)
  return { config: distributed, warnings }
}

describe('the configuration of a worker of a cluster', () => {
  it('has the defaults of the original', () => {
    const { config, warnings } = parse(MINIMAL)
    assert.deepEqual(warnings, [])
    assert.deepEqual(config, {
      groupId: 'cluster',
      clientId: '',
      sessionTimeoutMs: 10000,
      rebalanceTimeoutMs: 60000,
      heartbeatIntervalMs: 3000,
      workerSyncTimeoutMs: 3000,
      workerUnsyncBackoffMs: 300000,
      connectProtocol: 'sessioned',
      scheduledRebalanceMaxDelayMs: 300000,
      interWorkerKeyTtlMs: 3600000,
      interWorkerKeyGenerationAlgorithm: 'HmacSHA256',
      interWorkerKeySize: null,
      interWorkerSignatureAlgorithm: 'HmacSHA256',
      interWorkerVerificationAlgorithms: ['HmacSHA256'],
    })
  })

  it('names what is missing', () => {
    for (const key of Object.keys(MINIMAL)) {
      const { [key as keyof typeof MINIMAL]: _, ...rest } = MINIMAL
      assert.throws(() => parse(rest), { message: `Missing required configuration "${key}" which has no default value.`, key })
    }
  })

  it('leaves further settings of the topics to the stores', () => {
    assert.deepEqual(parse({ ...MINIMAL, 'offset.storage.segment.bytes': '1000', 'config.storage.partitions': '3' }).warnings, [])
  })

  it('names what is wrong, in the words of the original', () => {
    const wrong = [
      ['offset.storage.partitions', '0', /Number of partitions must be positive, or -1 to use the broker's default/],
      ['status.storage.replication.factor', '-2', /Replication factor must be positive and not larger than the number of brokers/],
      ['connect.protocol', 'fast', /Invalid value fast for configuration connect\.protocol: Invalid Connect protocol compatibility/],
      ['scheduled.rebalance.max.delay.ms', '-1', /Value must be at least 0/],
      ['inter.worker.signature.algorithm', 'HmacSHA512', /Signature algorithm must be present in inter\.worker\.verification\.algorithms list/],
      ['inter.worker.verification.algorithms', 'HmacSHA256,Rot13', /Invalid value Rot13 .* the algorithm is not supported; the supported algorithms are: /],
      ['inter.worker.verification.algorithms', '', /At least one signature verification algorithm must be provided/],
      ['inter.worker.key.size', '8', /Unable to create key generator with algorithm HmacSHA256 and key size 8/],
    ] as const
    for (const [key, value, message] of wrong) assert.throws(() => parse({ ...MINIMAL, [key]: value }), message)
  })

  it('does not start where exactly-once delivery is asked for, and says why', () => {
    for (const support of ['preparing', 'ENABLED']) {
      assert.throws(() => parse({ ...MINIMAL, 'exactly.once.source.support': support }), /comes with a later release: set it to "disabled"/)
    }
  })

  it('has no broker of its own', () => {
    assert.throws(() => parse({ ...MINIMAL, 'bootstrap.servers': 'embedded' }), /is for standalone mode\. Start the broker by "millrace broker"/)
  })

  it('warns of what only standalone mode reads', () => {
    assert.deepEqual(parse({ ...MINIMAL, 'offset.storage.file.filename': '/tmp/x' }).warnings, [
      'These configurations have no effect in distributed mode: offset.storage.file.filename',
    ])
  })
})
