import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { startWorker } from '../system/millrace-process.ts'

/*
 * What Kafka Connect 4.3.1 answers to `PUT /connector-plugins/FileStreamSource/config/validate` for transformations and predicates, right and wrong
 * ones: the infos of their keys, without prose and recommended values.
 */
interface Recorded {
  readonly config: Readonly<Record<string, string>>
  readonly status: number
  readonly body: Infos
}

interface Infos {
  readonly error_count: number
  readonly groups: readonly string[]
  readonly configs: readonly { readonly definition: Info | null; readonly value: Info | null }[]
}

type Info = Readonly<Record<string, unknown>> & { readonly name: string }

const recorded = JSON.parse(readFileSync(new URL('alias-validation.json', import.meta.url), 'utf8')) as readonly Recorded[]

/** Java repeats an accident of its library where an expression is missing. */
function comparable(infos: Infos): unknown {
  const configs = infos.configs.filter((config) => /^(transforms|predicates)\./.test((config.value ?? config.definition)?.name ?? ''))
  const text = JSON.stringify({ ...infos, name: undefined, configs }, (key, value: unknown) =>
    key === 'documentation' || key === 'recommended_values' ? undefined : value,
  )
  return JSON.parse(text.replace(/(Invalid value null for configuration \w+: Invalid regex: )[^\]]*?"(?=[\],])/g, '$1…"'))
}

test('transformations and predicates of a connector are validated as by Kafka Connect 4.3.1', { timeout: 120_000 }, async (t) => {
  const worker = await startWorker({ folder: temporaryFolder(t), bootstrapServers: 'embedded' })
  t.after(() => worker.killAtOnce())
  for (const { config, status, body } of recorded) {
    await t.test(JSON.stringify(config), async () => {
      const response = await fetch(`${worker.url}/connector-plugins/FileStreamSource/config/validate`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ 'connector.class': 'FileStreamSource', name: 'x', topic: 't', ...config }),
      })
      assert.equal(response.status, status)
      assert.deepEqual(comparable((await response.json()) as Infos), comparable(body))
    })
  }
})
