import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeAssignment, decodeWorkerState, encodeAssignment, encodeWorkerState, noWork } from './connect-protocol.ts'

// Bytes that a Java worker writes.
const vectors = {
  subscription0: '0000000f687474703a2f2f77313a383038332f0000000000000007',
  subscription1: '0001000f687474703a2f2f77313a383038332f0000000000000007ffffffff',
  subscription2:
    '0002000f687474703a2f2f77313a383038332f00000000000000070000004a0002000000036d2d31000f687474703a2f2f77313a383038332f0000000000000007000000020002633100000002ffffffff000000000002633200000001000000030000000000000000',
  assignment0: '0000000000036d2d31000f687474703a2f2f77313a383038332f0000000000000007000000020002633100000002ffffffff00000000000263320000000100000003',
  assignment1:
    '0001000000036d2d31000f687474703a2f2f77313a383038332f0000000000000007000000020002633100000002ffffffff000000000002633200000001000000030000000000000000',
  assignment2:
    '0002000000036d2d31000f687474703a2f2f77313a383038332f0000000000000007000000020002633100000002ffffffff00000000000263320000000100000003000000010002633900000002ffffffff00000001000493e0',
  mismatch: '0002000100036d2d31000f687474703a2f2f77313a383038332f0000000000000009000000000000000000000000',
}

const tasks = [
  { connector: 'c1', task: 0 },
  { connector: 'c2', task: 3 },
]
const url = 'http://w1:8083/'
const assignment = { error: 0, leaderId: 'm-1', leaderUrl: url, configOffset: 7, assigned: { connectors: ['c1'], tasks }, revoked: noWork, delayMs: 0 }
const revoking = { ...assignment, revoked: { connectors: ['c9'], tasks: [{ connector: 'c9', task: 1 }] }, delayMs: 300_000 }
const mismatch = { ...assignment, error: 1, configOffset: 9, assigned: noWork }

function hex(bytes: Buffer): string {
  return bytes.toString('hex')
}

test('assignments are written as Java writes them, and read back', () => {
  const written = [encodeAssignment(0, assignment), encodeAssignment(1, assignment), encodeAssignment(2, revoking), encodeAssignment(2, mismatch)]
  assert.deepEqual(written.map(hex), [vectors.assignment0, vectors.assignment1, vectors.assignment2, vectors.mismatch])
  assert.deepEqual(written.map(decodeAssignment), [assignment, assignment, revoking, mismatch])
})

test('the states of workers are written as Java writes them, and read back', () => {
  const idle = { url, configOffset: 7, allocation: null }
  const busy = { url, configOffset: 7, allocation: assignment }
  const written = [encodeWorkerState(0, busy), encodeWorkerState(1, idle), encodeWorkerState(2, busy)]
  assert.deepEqual(written.map(hex), [vectors.subscription0, vectors.subscription1, vectors.subscription2])
  assert.deepEqual(written.map(decodeWorkerState), [idle, idle, busy])
})

test('bytes that end too early are refused, whatever they announce', () => {
  for (const vector of Object.values(vectors)) {
    const bytes = Buffer.from(vector, 'hex')
    for (let length = 0; length < 29; length++) {
      assert.throws(() => decodeAssignment(bytes.subarray(0, length)), { name: 'ConnectProtocolError' })
    }
  }
  const endless = Buffer.concat([Buffer.from(vectors.assignment0.slice(0, 74), 'hex'), Buffer.from('7fffffff', 'hex')])
  assert.throws(() => decodeAssignment(endless), { name: 'ConnectProtocolError' })
  assert.throws(() => decodeWorkerState(Buffer.from('ffff', 'hex')), { message: 'Unsupported subscription version: -1' })
})
