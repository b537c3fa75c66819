import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { compareVersions, parseVersionRange, VersionRangeError } from './version-range.ts'

interface RecordedOrder {
  readonly versions: readonly string[]
  readonly comparisons: readonly (readonly number[])[]
}

describe('versions', () => {
  it('are ordered as Maven orders them', () => {
    const { versions, comparisons } = JSON.parse(readFileSync(new URL('./test-data/maven-version-order.json', import.meta.url), 'utf8')) as RecordedOrder
    for (const [row, a] of versions.entries()) {
      for (const [column, b] of versions.entries()) assert.equal(Math.sign(compareVersions(a, b)) + 0, comparisons[row]?.[column], `${a} against ${b}`)
    }
  })
})

describe('a version range', () => {
  it('is any version where nothing is asked for', () => {
    for (const text of [null, undefined, '', ' ', 'latest', 'LATEST']) assert.equal(parseVersionRange(text), null)
  })

  it('of a bare version means exactly that one, and says so', () => {
    const range = parseVersionRange('9.9')
    assert.equal(range?.toString(), '[9.9,9.9]')
    assert.equal(range.contains('9.9.0'), true)
    assert.equal(range.contains('9.9.1'), false)
  })

  it('includes and excludes its ends as its brackets say', () => {
    const contained = (text: string): string[] => ['0.9', '1.0', '1.5', '2.0', '3'].filter((version) => parseVersionRange(text)?.contains(version))
    assert.deepEqual(contained('[1.0,2.0]'), ['1.0', '1.5', '2.0'])
    assert.deepEqual(contained('(1.0,2.0)'), ['1.5'])
    assert.deepEqual(contained('[1.0,)'), ['1.0', '1.5', '2.0', '3'])
    assert.deepEqual(contained('(,1.0]'), ['0.9', '1.0'])
    assert.deepEqual(contained('(,1.0],[2.0,)'), ['0.9', '1.0', '2.0', '3'])
    assert.deepEqual(contained(' [ 1.5 ] '), ['1.5'])
  })

  it('that is none is refused with the words of Maven', () => {
    const message = (text: string): string => {
      try {
        parseVersionRange(text)
      } catch (error) {
        assert.ok(error instanceof VersionRangeError)
        return error.message
      }
      return 'accepted'
    }
    assert.equal(message('[bad'), 'Unbounded range: [bad')
    assert.equal(message('(1.0)'), 'Single version must be surrounded by []: (1.0)')
    assert.equal(message('[2,1]'), 'Range defies version ordering: [2,1]')
    assert.equal(message('[1,2],[1.5,3]'), 'Ranges overlap: [1,2],[1.5,3]')
    assert.equal(message('[1,2],3'), 'Only fully-qualified sets allowed in multiple set scenario: [1,2],3')
  })
})
