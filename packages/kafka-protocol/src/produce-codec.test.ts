import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apis } from './apis.ts'
import { crc32c } from './crc32c.test-data.ts'
import { ProtocolError } from './errors.ts'
import { ZERO_UUID } from './fields.ts'
import { encodeRequest } from './frames.ts'
import { goldenBytes } from './golden.test-data.ts'
import { decodeProduceRequest, encodeProduceRequest } from './produce-codec.ts'
import { RecordBatchBuilder } from './record-batch.ts'

const builder = new RecordBatchBuilder(crc32c)
builder.append(1_700_000_000_000, 'k', 'v')
const batch = builder.close()
const topicId = 'AAECAwQFBgcICQoLDA0ODw'
const versions = Array.from({ length: 11 }, (_, i) => 3 + i)

function requestOf(version: number) {
  const partitions = [
    { index: 2, records: [batch] },
    { index: 5, records: [batch] },
  ]
  return {
    version,
    correlationId: 8,
    clientId: 'c',
    transactionalId: version % 2 === 0 ? 'tx' : null,
    acks: -1,
    timeoutMs: 30000,
    topics: [{ name: 'orders', topicId, partitions }],
  }
}

test('a produce request has the bytes of the Java client in every version, and its records are not copied', () => {
  assert.deepEqual([versions[0], versions.at(-1)], [apis.Produce.versions.min, apis.Produce.versions.max])
  for (const version of versions) {
    const buffers = encodeProduceRequest(requestOf(version))
    const frame = Buffer.concat(buffers)
    assert.equal(frame.readInt32BE(0), frame.length - 4)
    assert.equal(frame.subarray(4).toString('hex'), goldenBytes(`produce.${version}`).toString('hex'), `version ${version}`)
    const records = buffers.filter((buffer) => buffer.buffer === batch.buffer && buffer.byteOffset === batch.byteOffset)
    assert.equal(records.length, 2)
  }
})

test('a produce request of the Java client is read in every version, with records as views', () => {
  for (const version of versions) {
    const frame = goldenBytes(`produce.${version}`)
    const { topics, ...rest } = decodeProduceRequest(frame)
    const { topics: _, ...expected } = requestOf(version)
    assert.deepEqual(rest, expected)
    assert.equal(topics.length, 1)
    assert.deepEqual([topics[0]!.name, topics[0]!.topicId], version >= 13 ? ['', topicId] : ['orders', ZERO_UUID])
    assert.deepEqual(topics[0]!.partitions, [
      { index: 2, records: batch },
      { index: 5, records: batch },
    ])
    assert.equal(topics[0]!.partitions[0]!.records!.buffer, frame.buffer)
  }
})

test('several batches of a partition follow each other', () => {
  const request = { ...requestOf(9), topics: [{ name: 'a', partitions: [{ index: 0, records: [batch, batch] }] }] }
  const frame = Buffer.concat(encodeProduceRequest(request)).subarray(4)
  assert.deepEqual(decodeProduceRequest(frame).topics[0]!.partitions[0]!.records, Buffer.concat([batch, batch]))
})

test('the declaration gives the same bytes as the code by hand', () => {
  for (const version of versions) {
    const { correlationId, clientId, topics, ...fields } = requestOf(version)
    const topicData = topics.map(({ partitions, ...topic }) => ({
      ...topic,
      partitionData: partitions.map(({ index }) => ({ index, records: batch })),
    }))
    const frame = encodeRequest({ api: 'Produce', version, correlationId, clientId, body: { ...fields, topicData } })
    assert.deepEqual(Buffer.concat(encodeProduceRequest(requestOf(version))), frame)
  }
})

test('a topic without an id is refused where ids are sent', () => {
  const request = { ...requestOf(13), topics: [{ name: 'orders', partitions: [] }] }
  assert.throws(() => encodeProduceRequest(request), /topic "orders" has no id/)
})

test('unknown versions, other requests and cut frames are refused', () => {
  assert.throws(() => encodeProduceRequest(requestOf(2)), ProtocolError)
  assert.throws(() => decodeProduceRequest(goldenBytes('request.Heartbeat.4')), /not "Heartbeat"/)
  const frame = goldenBytes('produce.9')
  for (let length = 0; length < frame.length; length++) assert.throws(() => decodeProduceRequest(frame.subarray(0, length)), ProtocolError)
})
