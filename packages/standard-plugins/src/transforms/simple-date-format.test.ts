import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { SimpleDateFormat } from './simple-date-format.ts'

/** Made by `tests/tools/java/DateFormatVectors.java`. */
const vectors = JSON.parse(readFileSync(new URL('../../../../tests/vectors/simple-date-format.json', import.meta.url), 'utf8')) as {
  readonly written: readonly (readonly [pattern: string, epochMs: number, text: string])[]
  readonly read: readonly (readonly [pattern: string, text: string, epochMs: number | null])[]
}
/** Years of two digits were read from 1946 on. */
const now = Date.UTC(2026, 0, 1)

describe('a date format', () => {
  it('writes as Java does', () => {
    const wrong = vectors.written.filter(([pattern, epochMs, text]) => new SimpleDateFormat(pattern, now).format(new Date(epochMs)) !== text)
    const shown = wrong.map(([pattern, epochMs, text]) => ({
      pattern,
      epochMs,
      java: text,
      ours: new SimpleDateFormat(pattern, now).format(new Date(epochMs)),
    }))
    assert.deepEqual(shown, [])
    assert.ok(vectors.written.length > 150)
  })

  it('reads as Java does', () => {
    const ours = (pattern: string, text: string) => new SimpleDateFormat(pattern, now).parse(text)?.getTime() ?? null
    const wrong = vectors.read.filter(([pattern, text, epochMs]) => ours(pattern, text) !== epochMs)
    assert.deepEqual(
      wrong.map(([pattern, text, epochMs]) => ({ pattern, text, java: epochMs, ours: ours(pattern, text) })),
      [],
    )
    assert.ok(vectors.read.length > 200)
  })

  it('refuses patterns that are none', () => {
    assert.throws(() => new SimpleDateFormat('yyyy-bb'), /Illegal pattern character 'b'/)
    assert.throws(() => new SimpleDateFormat("yyyy 'at"), /Unterminated quote/)
    assert.throws(() => new SimpleDateFormat('XXXX'), /invalid ISO 8601 format: length=4/)
  })
})
