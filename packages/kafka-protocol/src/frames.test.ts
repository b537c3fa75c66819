import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolError } from './errors.ts'
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, encodeUnsupportedApiVersions, readRequestHeader } from './frames.ts'
import { goldenBytes } from './golden.test-data.ts'

/** A frame without its size, which must be right. */
function unframed(frame: Buffer): Buffer {
  assert.equal(frame.readInt32BE(0), frame.length - 4)
  return frame.subarray(4)
}

test('requests have the bytes of the Java client', () => {
  const software = { clientSoftwareName: 'millrace', clientSoftwareVersion: '0.1.0' }
  for (const version of [0, 3, 4]) {
    const frame = encodeRequest({ api: 'ApiVersions', version, correlationId: 77, clientId: 'client', body: software })
    assert.deepEqual(unframed(frame), goldenBytes(`request.ApiVersions.${version}`))
  }
  for (const version of [0, 4]) {
    const body = { groupId: 'g', generationId: 3, memberId: 'm' }
    const frame = encodeRequest({ api: 'Heartbeat', version, correlationId: 1, clientId: '', body })
    assert.deepEqual(unframed(frame), goldenBytes(`request.Heartbeat.${version}`))
  }
})

test('responses have the bytes of the Java client, ApiVersions never with tagged fields in its header', () => {
  for (const version of [0, 4]) {
    const heartbeat = encodeResponse({ api: 'Heartbeat', version, correlationId: 9, body: { errorCode: 27 } })
    assert.deepEqual(unframed(heartbeat), goldenBytes(`response.Heartbeat.${version}`))
    const apiVersions = encodeResponse({ api: 'ApiVersions', version, correlationId: 9, body: { errorCode: 0, apiKeys: [] } })
    assert.deepEqual(unframed(apiVersions), goldenBytes(`response.ApiVersions.${version}`))
  }
})

test('a request comes back with its header', () => {
  const frame = encodeRequest({ api: 'Metadata', version: 12, correlationId: 5, clientId: null, body: { topics: null } })
  assert.deepEqual(readRequestHeader(unframed(frame)), { apiKey: 3, version: 12, correlationId: 5, clientId: null })
  const request = decodeRequest(unframed(frame))
  assert.equal(request.api, 'Metadata')
  assert.equal(request.correlationId, 5)
  assert.deepEqual(request.api === 'Metadata' && request.body.topics, null)
})

test('a response comes back with its correlation id', () => {
  const frame = encodeResponse({ api: 'Heartbeat', version: 4, correlationId: 5, body: { errorCode: 0, throttleTimeMs: 3 } })
  assert.deepEqual(decodeResponse('Heartbeat', 4, unframed(frame)), { correlationId: 5, body: { throttleTimeMs: 3, errorCode: 0 } })
})

test('the refusal of an ApiVersions version is readable whatever version was asked for', () => {
  const frame = unframed(encodeUnsupportedApiVersions(3, { min: 0, max: 2 }))
  for (const version of [0, 3, 4]) {
    const { correlationId, body } = decodeResponse('ApiVersions', version, frame)
    assert.equal(correlationId, 3)
    assert.equal(body.errorCode, 35)
    assert.deepEqual(body.apiKeys, [{ apiKey: 18, minVersion: 0, maxVersion: 2 }])
  }
})

test('unknown keys and versions, cut frames and bytes left over are refused', () => {
  const frame = unframed(
    encodeRequest({ api: 'Heartbeat', version: 4, correlationId: 1, clientId: 'c', body: { groupId: 'g', generationId: 3, memberId: 'm' } }),
  )
  for (let length = 0; length < frame.length; length++) {
    assert.throws(() => decodeRequest(frame.subarray(0, length)), ProtocolError)
  }
  assert.throws(() => decodeRequest(Buffer.concat([frame, Buffer.alloc(1)])), /has 1 bytes left over behind it/)
  const unknownKey = Buffer.from(frame)
  unknownKey.writeInt16BE(999, 0)
  assert.throws(() => decodeRequest(unknownKey), /unknown API key 999/)
  const unknownVersion = Buffer.from(frame)
  unknownVersion.writeInt16BE(5, 2)
  assert.throws(() => decodeRequest(unknownVersion), /has no version 5/)
})
