import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { connectMetricGroups } from '@millrace/runtime'
import { recordedLines, attributeOf } from '../compat/metrics-suite.ts'
import { metricsFile, metricsPage } from './metrics.ts'

test('docs/reference/metrics.md is what the catalogue of metrics says', () => {
  assert.equal(readFileSync(metricsFile, 'utf8'), metricsPage(), 'run: node scripts/run.mjs tests/reference/metrics.ts')
})

test('the catalogue has all metrics of Kafka Connect 4.3.1, of the same kinds', () => {
  const catalogue = new Set(connectMetricGroups.flatMap(({ group, metrics }) => metrics.map(({ name, kind }) => `${group} ${name} ${kind}`)))
  const recorded = recordedLines()
    .map(attributeOf)
    .filter(({ domain, keys }) => domain === 'kafka.connect' && !/^connect-(node-)?metrics$/.test(keys[0]?.[1] ?? ''))
    .map(({ keys, attribute, kind }) => `${keys[0]?.[1]} ${attribute} ${kind}`)
  assert.deepEqual(
    recorded.filter((name) => !catalogue.has(name)),
    [],
  )
})
