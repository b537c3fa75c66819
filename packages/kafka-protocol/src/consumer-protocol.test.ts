import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consumerProtocol } from './consumer-protocol.ts'
import { ProtocolError } from './errors.ts'
import { goldenBytes } from './golden.test-data.ts'

const subscription = {
  topics: ['b', 'a'],
  userData: Buffer.from('ud'),
  ownedPartitions: [
    { topic: 'b', partitions: [1, 0] },
    { topic: 'a', partitions: [0] },
  ],
  generationId: 4,
  rackId: 'r',
}
const assignment = {
  assignedPartitions: [
    { topic: 'a', partitions: [0, 1] },
    { topic: 'b', partitions: [3] },
  ],
}
const versions = [0, 1, 2, 3]

test('subscriptions have the bytes of the Java client in every version', () => {
  for (const version of versions) {
    assert.deepEqual(consumerProtocol.encodeSubscription(subscription, version), goldenBytes(`subscription.${version}`))
    assert.deepEqual(consumerProtocol.encodeSubscription({ topics: ['a'] }, version), goldenBytes(`subscription.min.${version}`))
  }
})

test('subscriptions of the Java client are read in every version', () => {
  for (const version of versions) {
    assert.deepEqual(consumerProtocol.decodeSubscription(goldenBytes(`subscription.${version}`)), {
      version,
      topics: ['a', 'b'],
      userData: Buffer.from('ud'),
      ownedPartitions:
        version >= 1
          ? [
              { topic: 'a', partitions: [0] },
              { topic: 'b', partitions: [0, 1] },
            ]
          : [],
      generationId: version >= 2 ? 4 : -1,
      rackId: version >= 3 ? 'r' : null,
    })
  }
})

test('assignments have the bytes of the Java client and are read back', () => {
  for (const version of versions) {
    assert.deepEqual(consumerProtocol.encodeAssignment(assignment, version), goldenBytes(`assignment.${version}`))
    assert.deepEqual(consumerProtocol.decodeAssignment(goldenBytes(`assignment.${version}`)), { version, ...assignment, userData: null })
  }
})

test('the newest version is the default', () => {
  assert.deepEqual(consumerProtocol.encodeSubscription(subscription), goldenBytes('subscription.3'))
  assert.deepEqual(consumerProtocol.encodeAssignment(assignment), goldenBytes('assignment.3'))
})

test('a newer version is read as ours, and what it appends is ignored', () => {
  const newer = Buffer.concat([goldenBytes('subscription.3'), Buffer.from([1, 2, 3])])
  newer.writeInt16BE(9, 0)
  const { version, ...rest } = consumerProtocol.decodeSubscription(newer)
  const { version: _, ...expected } = consumerProtocol.decodeSubscription(goldenBytes('subscription.3'))
  assert.equal(version, 9)
  assert.deepEqual(rest, expected)
})

test('an empty assignment is nothing at all', () => {
  assert.deepEqual(consumerProtocol.decodeAssignment(Buffer.alloc(0)).assignedPartitions, [])
})

test('broken payloads are refused', () => {
  assert.throws(() => consumerProtocol.decodeSubscription(Buffer.from('ffff', 'hex')), /version -1, which does not exist/)
  const bytes = goldenBytes('subscription.3')
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => consumerProtocol.decodeSubscription(bytes.subarray(0, length)), ProtocolError)
  }
})
