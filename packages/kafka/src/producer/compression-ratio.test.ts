import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompressionRatio } from './compression-ratio.ts'

test('counts bytes in full until batches have been seen', () => {
  assert.equal(new CompressionRatio().compressed(1000), 1050)
})

test('follows better compression slowly, worse at once, and never goes below what was seen', () => {
  const ratio = new CompressionRatio()
  ratio.observe(1000, 200)
  assert.equal(ratio.compressed(1000), 1050 * 0.995)
  for (let batch = 0; batch < 1000; batch++) ratio.observe(1000, 200)
  assert.equal(ratio.compressed(1000), 210)
  ratio.observe(1000, 600)
  assert.equal(ratio.compressed(1000), 630)
  ratio.observe(1000, 610)
  assert.ok(Math.abs(ratio.compressed(1000) - 682.5) < 1e-9)
  ratio.forget()
  assert.equal(ratio.compressed(1000), 1050)
})
