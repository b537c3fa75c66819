import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeSessionKey, sessionKeyExpiration } from './session-keys.ts'

const config = { algorithm: 'HmacSHA256', keyBits: null, ttlMs: 3_600_000 }

test('keys have the size that Java gives them, or the one that was asked for', () => {
  assert.equal(makeSessionKey(config, 0).key.length, 32)
  assert.equal(makeSessionKey({ ...config, algorithm: 'HmacSHA1' }, 0).key.length, 64)
  assert.equal(makeSessionKey({ ...config, keyBits: 100 }, 0).key.length, 13)
})

test('keys of unknown algorithms, and too short ones, are refused', () => {
  assert.throws(() => makeSessionKey({ ...config, algorithm: 'AES' }, 0), { key: 'inter.worker.key.generation.algorithm' })
  assert.throws(() => makeSessionKey({ ...config, keyBits: 39 }, 0), { key: 'inter.worker.key.size' })
})

test('a key is replaced when it is too old or of another kind than the settings ask for', () => {
  const key = makeSessionKey(config, 1000)
  assert.equal(sessionKeyExpiration(key, config), 3_601_000)
  assert.equal(sessionKeyExpiration(key, { ...config, ttlMs: 0 }), Infinity)
  assert.equal(sessionKeyExpiration(null, config), 0)
  assert.equal(sessionKeyExpiration(key, { ...config, algorithm: 'HmacSHA512' }), 0)
  assert.equal(sessionKeyExpiration(key, { ...config, keyBits: 512 }), 0)
})
