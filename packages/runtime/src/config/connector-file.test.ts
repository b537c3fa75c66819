import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConnectorFile, readConnectorFile } from './connector-file.ts'

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
const parse = (text: string) => parseConnectorFile(utf8(text), 'c.file')

describe("a connector's file on the command line", () => {
  it('may be properties', () => {
    assert.deepEqual(parse('name=a\nfile=/x'), {
      name: 'a',
      config: { name: 'a', file: '/x' },
      initialState: null,
      lines: new Map([
        ['name', 1],
        ['file', 2],
      ]),
      duplicates: [],
    })
  })

  it('may be a JSON object of settings, in UTF-8, with numbers and booleans', () => {
    assert.deepEqual(parse('{"name": "a", "tasks.max": 2, "on": true, "file": "/Zürich"}'), {
      name: 'a',
      config: { name: 'a', 'tasks.max': '2', on: 'true', file: '/Zürich' },
      initialState: null,
      lines: new Map(),
      duplicates: [],
    })
  })

  it('may be a request for creation; fields that are not known are ignored', () => {
    assert.deepEqual(parse('{"name": "a", "config": {"file": "/x"}, "initial_state": "paused", "comment": 1}'), {
      name: 'a',
      config: { name: 'a', file: '/x' },
      initialState: 'PAUSED',
      lines: new Map(),
      duplicates: [],
    })
    assert.equal(parse('{"name": "a", "config": {}, "initial_state": "STOPPED"}').initialState, 'STOPPED')
    assert.equal(parse('{"name": "a", "config": {}, "initial_state": "RUNNING"}').initialState, 'STARTED')
  })

  it('must have a name, in whatever form', () => {
    for (const text of ['file=/x', '{"file": "/x"}', '{"config": {"name": "a"}}', '{}', '']) {
      assert.throws(() => parse(text), /c\.file: Connector configuration at 'c\.file' is missing the mandatory 'name' configuration/, text)
    }
  })

  it('is told what is wrong with it, by file and key', () => {
    assert.throws(() => parse('{"name": "a",'), /c\.file: is no valid JSON: /)
    assert.throws(() => parse('{"name": "a", "x": {}}'), /c\.file: must be a text, a number or a boolean \(key "x"\)/)
    assert.throws(() => parse('{"name": "a", "config": {"x": null}}'), /\(key "x"\)/)
    assert.throws(() => parse('{"name": "a", "config": {"name": "b"}}'), /has the name "a", but its config has the name "b" \(key "name"\)/)
    assert.throws(() => parse('{"name": "a", "config": {}, "initial_state": "GONE"}'), /must be one of RUNNING, PAUSED, STOPPED \(key "initial_state"\)/)
    assert.throws(() => parse('name=a\nx=\\u00'), /c\.file:2: malformed/)
  })

  it('is told when it is not there', async () => {
    await assert.rejects(readConnectorFile('/nonexistent/c.properties'), /\/nonexistent\/c\.properties: file not found/)
  })
})
