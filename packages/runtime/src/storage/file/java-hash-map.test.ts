import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type JavaHashMapEntry, JavaHashMapFormatError, readJavaHashMap, writeJavaHashMap } from './java-hash-map.ts'

/** Written by a Java program, or by the original's standalone worker. */
function written(name: string): Buffer {
  return readFileSync(new URL(`./test-data/${name}`, import.meta.url))
}

function texts(entries: readonly JavaHashMapEntry[]): (string | null)[][] {
  return entries.map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null])
}

describe('a HashMap serialised by Java', () => {
  it('is read as the standalone worker wrote it', () => {
    assert.deepEqual(texts(readJavaHashMap(written('standalone-worker.offsets'))).sort(), [
      ['["customers",{"filename":"/tmp/customers.txt"}]', '{"position":4}'],
      ['["orders",{"filename":"/tmp/orders.txt"}]', '{"position":19}'],
    ])
  })

  for (const name of ['standalone-worker.offsets', 'empty-map.bin', 'null-entries.bin', 'hundred-entries.bin']) {
    it(`is written byte for byte as Java wrote ${name}`, () => {
      const bytes = written(name)
      assert.deepEqual(writeJavaHashMap(readJavaHashMap(bytes)), bytes)
    })
  }

  it('holds null keys and values', () => {
    assert.deepEqual(
      new Map(texts(readJavaHashMap(written('null-entries.bin'))) as [unknown, unknown][]),
      new Map<unknown, unknown>([
        ['k', null],
        [null, 'v'],
      ]),
    )
  })

  it('may refer to an array that came before', () => {
    assert.deepEqual(texts(readJavaHashMap(written('shared-value.bin'))).sort(), [
      ['["a",{}]', '{"position":7}'],
      ['["b",{}]', '{"position":7}'],
    ])
  })

  it('of another class is refused', () => {
    assert.throws(() => readJavaHashMap(written('other-object.bin')), /Class is "java\.util\.ArrayList", not "java\.util\.HashMap", at byte/)
  })

  it('is refused wherever it is cut off', () => {
    const bytes = written('standalone-worker.offsets')
    for (let length = 0; length < bytes.length; length++)
      assert.throws(() => readJavaHashMap(bytes.subarray(0, length)), JavaHashMapFormatError, `cut at ${length}`)
  })

  it('never throws anything but a format error, whichever byte is changed', () => {
    const bytes = written('standalone-worker.offsets')
    for (let position = 0; position < bytes.length; position++) {
      for (const value of [0x00, 0x70, 0x71, 0x73, 0x7f, 0xff]) {
        const changed = Buffer.from(bytes)
        changed[position] = value
        try {
          readJavaHashMap(changed)
        } catch (error) {
          assert.ok(error instanceof JavaHashMapFormatError, `byte ${position} set to ${value}: ${String(error)}`)
        }
      }
    }
  })

  it('is refused when something follows it', () => {
    assert.throws(() => readJavaHashMap(Buffer.concat([written('empty-map.bin'), Buffer.from([0])])), /Something follows the map/)
  })
})
