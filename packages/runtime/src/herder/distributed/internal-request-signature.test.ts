import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSignature, SIGNATURE_ALGORITHM_HEADER, SIGNATURE_HEADER, signatureHeaders } from './internal-request-signature.ts'

const key = { key: Buffer.from('0123456789abcdef0123456789abcdef'), algorithm: 'HmacSHA256', creationTimestamp: 0 }
const body = Buffer.from('[{"a":"b"}]')

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function check(headers: Readonly<Record<string, string>>, changed: Partial<Parameters<typeof checkSignature>[0]> = {}): void {
  checkSignature({ headers: lowerCase(headers), body, key, algorithms: ['HmacSHA256'], ...changed })
}

test('a signature is the MAC of the body in base64', () => {
  const headers = signatureHeaders(body, key, 'HmacSHA256')
  assert.deepEqual(headers, {
    'X-Connect-Authorization': 'w4sJz7Fw7kA3ME3hRGqTeArGK8uZfbl3MtjL+RdNXNI=',
    'X-Connect-Request-Signature-Algorithm': 'HmacSHA256',
  })
  check(headers)
})

test('each fault has its own status and message', () => {
  const headers = signatureHeaders(body, key, 'HmacSHA256')
  const missing = { status: 400, message: 'Internal request missing required signature' }
  assert.throws(() => check({}), missing)
  assert.throws(() => check({ [SIGNATURE_HEADER]: headers[SIGNATURE_HEADER]! }), missing)
  assert.throws(() => check({ ...headers, [SIGNATURE_ALGORITHM_HEADER]: 'HmacRot13' }), { status: 400, message: 'Algorithm HmacRot13 not available' })
  assert.throws(() => check({ ...headers, [SIGNATURE_HEADER]: '?' }), { status: 400, message: /not valid base64/ })
  assert.throws(() => check(signatureHeaders(body, key, 'HmacSHA512')), { status: 400, message: /^This worker does not support the 'HmacSHA512' key signing/ })
  assert.throws(() => check(headers, { key: null }), { status: 503, message: /still starting up/ })
  const wrong = { status: 403, message: 'Internal request contained invalid signature.' }
  assert.throws(() => check(headers, { body: Buffer.from('[]') }), wrong)
  assert.throws(() => check(headers, { key: { ...key, key: Buffer.alloc(32) } }), wrong)
  assert.throws(() => check({ ...headers, [SIGNATURE_HEADER]: 'AAAA' }), wrong)
})
