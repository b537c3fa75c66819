import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { apis } from './apis.ts'
import { crc32c } from './crc32c.test-data.ts'
import { ProtocolError } from './errors.ts'
import { decodeFetchResponse, encodeFetchResponse, type FetchResponse } from './fetch-codec.ts'
import { ZERO_UUID } from './fields.ts'
import { decodeResponse } from './frames.ts'
import { goldenBytes } from './golden.test-data.ts'
import { randomly } from './random.test-data.ts'
import { RecordBatchBuilder } from './record-batch.ts'

const builder = new RecordBatchBuilder(crc32c)
builder.append(1_700_000_000_000, 'k', 'v')
const batch = builder.close()
const topicId = 'AAECAwQFBgcICQoLDA0ODw'
const versions = Array.from({ length: 14 }, (_, i) => 4 + i)

function responseOf(version: number): FetchResponse {
  const partitions = [
    {
      partitionIndex: 2,
      errorCode: 0,
      highWatermark: 10,
      lastStableOffset: 9,
      logStartOffset: 1,
      abortedTransactions: [{ producerId: 12, firstOffset: 4 }],
      preferredReadReplica: 3,
      records: [batch.subarray(0, 20), batch.subarray(20)],
    },
    {
      partitionIndex: 5,
      errorCode: 6,
      highWatermark: -1,
      currentLeader: { leaderId: 1, leaderEpoch: 7 },
      divergingEpoch: { epoch: 2, endOffset: 33 },
      records: [],
    },
  ]
  const nodeEndpoints = [{ nodeId: 1, host: 'localhost', port: 9092 }]
  return { version, correlationId: 8, throttleTimeMs: 1, sessionId: 6, topics: [{ topic: 'orders', topicId, partitions }], nodeEndpoints }
}

test('a fetch response has the bytes of the Java client in every version', () => {
  assert.deepEqual([versions[0], versions.at(-1)], [apis.Fetch.versions.min, apis.Fetch.versions.max])
  for (const version of versions) {
    const frame = Buffer.concat(encodeFetchResponse(responseOf(version)))
    assert.equal(frame.readInt32BE(0), frame.length - 4)
    assert.equal(frame.subarray(4).toString('hex'), goldenBytes(`fetch.${version}`).toString('hex'), `version ${version}`)
  }
})

test('a fetch response of the Java client is read in every version, with records as views', () => {
  for (const version of versions) {
    const frame = goldenBytes(`fetch.${version}`)
    const topic = version >= 13 ? { topic: '', topicId } : { topic: 'orders', topicId: ZERO_UUID }
    const response = decodeFetchResponse(version, frame)
    assert.deepEqual(response, {
      correlationId: 8,
      throttleTimeMs: 1,
      errorCode: 0,
      sessionId: version >= 7 ? 6 : 0,
      partitions: [
        {
          ...topic,
          partitionIndex: 2,
          errorCode: 0,
          highWatermark: 10,
          lastStableOffset: 9,
          logStartOffset: version >= 5 ? 1 : -1,
          abortedTransactions: [{ producerId: 12, firstOffset: 4 }],
          preferredReadReplica: version >= 11 ? 3 : -1,
          currentLeader: null,
          divergingEpoch: null,
          records: batch,
        },
        {
          ...topic,
          partitionIndex: 5,
          errorCode: 6,
          highWatermark: -1,
          lastStableOffset: -1,
          logStartOffset: -1,
          abortedTransactions: null,
          preferredReadReplica: -1,
          currentLeader: version >= 12 ? { leaderId: 1, leaderEpoch: 7 } : null,
          divergingEpoch: version >= 12 ? { epoch: 2, endOffset: 33 } : null,
          records: Buffer.alloc(0),
        },
      ],
      nodeEndpoints: version >= 16 ? [{ nodeId: 1, host: 'localhost', port: 9092, rack: null }] : [],
    })
    assert.equal(response.partitions[0]!.records!.buffer, frame.buffer)
  }
})

test('the declaration reads the same as the code by hand', () => {
  for (const version of versions) {
    const { body } = decodeResponse('Fetch', version, goldenBytes(`fetch.${version}`))
    const byHand = decodeFetchResponse(version, goldenBytes(`fetch.${version}`))
    const partitions = body.responses.flatMap((topic) => topic.partitions)
    for (const [i, partition] of byHand.partitions.entries()) {
      const { topic: _topic, topicId: _id, currentLeader, divergingEpoch, ...fields } = partition
      assert.deepEqual({ ...partitions[i], ...fields }, partitions[i])
      assert.deepEqual(currentLeader ?? { leaderId: -1, leaderEpoch: -1 }, partitions[i]!.currentLeader)
      assert.deepEqual(divergingEpoch ?? { epoch: -1, endOffset: -1 }, partitions[i]!.divergingEpoch)
    }
  }
})

test('records may be null', () => {
  for (const version of versions) {
    const partition = { partitionIndex: 0, errorCode: 1, highWatermark: -1, records: null }
    const frame = Buffer.concat(encodeFetchResponse({ version, correlationId: 1, topics: [{ topic: 'a', partitions: [partition] }] }))
    assert.equal(decodeFetchResponse(version, frame.subarray(4)).partitions[0]!.records, null)
  }
})

test('broken and cut fetch responses are refused as such', () => {
  fc.assert(
    fc.property(fc.constantFrom(...versions), fc.nat(), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), (version, cut, changes) => {
      const frame = goldenBytes(`fetch.${version}`)
      for (const [at, byte] of changes) frame[at % frame.length] = byte
      const length = changes.length === 0 ? cut % frame.length : frame.length
      try {
        decodeFetchResponse(version, frame.subarray(0, length))
        assert.equal(length, frame.length)
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error))
      }
    }),
    randomly(5000),
  )
})
