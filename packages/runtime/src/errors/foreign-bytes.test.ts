import assert from 'node:assert/strict'
import test from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { foreignBytes } from './foreign-bytes.ts'

const cases: readonly (readonly [what: string, bytes: Uint8Array | string, form: string])[] = [
  ['no bytes', '', 'empty'],
  ['an object', '{"a": 1}', 'json'],
  ['an array after blanks', '\n [1, 2]', 'json'],
  ['a number', '42', 'json'],
  ['text in quotes', '"a"', 'json'],
  ['an object with schema and payload', '{"schema": null, "payload": 1}', 'envelope'],
  ['an object with these and more', '{"schema": null, "payload": 1, "id": 2}', 'json'],
  ['an object that is cut off', '{"a": "bbb', 'broken-json'],
  ['large JSON', `{"a": "${'x'.repeat(300_000)}"}`, 'json'],
  ['large JSON that is cut off', `{"a": "${'x'.repeat(300_000)}`, 'broken-json'],
  ['a line of text', 'hello, world', 'text'],
  ['text that is cut within a character', Buffer.concat([Buffer.alloc(4095, 'a'), Buffer.from('é')]), 'text'],
  ['a document', '<?xml version="1.0"?><a/>', 'xml'],
  ['an element', '<order id="1"/>', 'xml'],
  ['gzip', gzipSync('{}'), 'gzip'],
  ['zstd', zstdCompressSync('{}'), 'zstd'],
  ['a Java object', Buffer.from('aced0005740001', 'hex'), 'java'],
  ['a file of Avro', Buffer.from('4f626a0104', 'hex'), 'avro-file'],
  ['a zero and the number of a schema', Buffer.from('000000002a0c616263', 'hex'), 'schema-id'],
  ['a long', Buffer.from('00000000000000ff', 'hex').subarray(0, 8).fill(0xff, 0, 1), 'number'],
  ['other bytes', Buffer.from('ff00ff00ff', 'hex'), 'unknown'],
]

for (const [what, bytes, form] of cases) {
  test(`${what} is ${form}`, () => {
    assert.equal(foreignBytes(typeof bytes === 'string' ? Buffer.from(bytes) : bytes).form, form)
  })
}

test('the number of a schema is told, and nothing else of the content', () => {
  const page = Buffer.concat([Buffer.alloc(3), Buffer.from('000000002a0c616263', 'hex')])
  assert.deepEqual(foreignBytes(page.subarray(3)), { form: 'schema-id', byteLength: 9, schemaId: 42 })
})
