import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lineNamedIn, parseProperties, parsePropertiesFile, readPropertiesFile, SettingsFileError } from './properties-file.ts'

function pairs(text: string): string[][] {
  return parseProperties(text, 'f.properties').map((entry) => [entry.key, entry.value])
}

describe('a properties file', () => {
  it('separates key and value by =, : or blanks, whichever comes first', () => {
    assert.deepEqual(pairs('a=1\nb:2\nc 3\nd \t= 4\ne\f:5\nf  =  = 6\ng = : 7'), [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', '4'],
      ['e', '5'],
      ['f', '= 6'],
      ['g', ': 7'],
    ])
  })

  it('keeps blanks at the end of a value and drops those before it', () => {
    assert.deepEqual(pairs('a =  x  '), [['a', 'x  ']])
  })

  it('takes a key without a separator as empty, and an empty key as it is', () => {
    assert.deepEqual(pairs('alone\n=v\n:w'), [
      ['alone', ''],
      ['', 'v'],
      ['', 'w'],
    ])
  })

  it('leaves out comments and blank lines', () => {
    assert.deepEqual(pairs('# a=1\n  ! b=2\n\n \t\nc=3 # not a comment'), [['c', '3 # not a comment']])
  })

  it('does not continue a comment', () => {
    assert.deepEqual(pairs('# a\\\nb=1'), [['b', '1']])
  })

  it('joins continued lines and drops the blanks that lead them', () => {
    assert.deepEqual(pairs('a=1,\\\n   2,\\\r\n\t3\nb=4'), [
      ['a', '1,2,3'],
      ['b', '4'],
    ])
  })

  it('does not continue after an even number of backslashes', () => {
    assert.deepEqual(pairs('a=c:\\\\\nb=1'), [
      ['a', 'c:\\'],
      ['b', '1'],
    ])
  })

  it('lets a blank line end a continuation', () => {
    assert.deepEqual(pairs('a=1\\\n\nb=2'), [
      ['a', '1'],
      ['b', '2'],
    ])
  })

  it('takes a comment sign as text within a continued line, but not after a lone backslash', () => {
    assert.deepEqual(pairs('a=1\\\n#2\n\\\n#3\nb=4'), [
      ['a', '1#2'],
      ['b', '4'],
    ])
  })

  it('forgets a backslash at the end of the file', () => {
    assert.deepEqual(pairs('a=1\\'), [['a', '1']])
    assert.deepEqual(pairs('a\\'), [['a', '']])
  })

  it('takes a carriage return alone as the end of a line', () => {
    assert.deepEqual(pairs('a=1\rb=2\r\nc=3'), [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ])
  })

  it('resolves escapes in keys and values', () => {
    assert.deepEqual(pairs('a\\=b\\ c\\:d=\\t\\n\\r\\f\\q\\\\\\u00e9\\u20AC\\"'), [['a=b c:d', '\t\n\r\fq\\é€"']])
  })

  it('reads bytes as ISO-8859-1', async () => {
    const { mkdtemp, rm, writeFile } = await import('node:fs/promises')
    const directory = await mkdtemp('/tmp/millrace-properties-')
    try {
      await writeFile(`${directory}/x.properties`, Buffer.from([0x61, 0x3d, 0xe9]))
      assert.deepEqual({ ...(await readPropertiesFile(`${directory}/x.properties`)).properties }, { a: 'é' })
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('leaves out a byte order mark', async () => {
    const { mkdtemp, rm, writeFile } = await import('node:fs/promises')
    const directory = await mkdtemp('/tmp/millrace-properties-')
    try {
      await writeFile(`${directory}/x.properties`, '\ufeffa=1\r\nb=2')
      assert.deepEqual({ ...(await readPropertiesFile(`${directory}/x.properties`)).properties }, { a: '1', b: '2' })
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('takes the last of two values and tells of both', () => {
    const file = parsePropertiesFile('a=1\nb=2\na=3', 'f.properties')
    assert.deepEqual({ ...file.properties }, { a: '3', b: '2' })
    assert.deepEqual(file.duplicates, [{ key: 'a', lines: [1, 3] }])
    assert.equal(file.lines.get('a'), 3)
  })

  it('takes __proto__ as a key like any other', () => {
    const file = parsePropertiesFile('__proto__=1', 'f.properties')
    assert.equal(Object.keys(file.properties).length, 1)
    assert.equal(Object.getOwnPropertyDescriptor(file.properties, '__proto__')?.value, '1')
  })

  it('knows the line of the setting that a message names', () => {
    const lines = new Map([
      ['topic', 2],
      ['batch.size', 3],
      ['batch', 4],
      ['consumer.batch.size', 5],
    ])
    assert.equal(lineNamedIn('Invalid value x for configuration batch.size: Not a number', lines), 3)
    assert.equal(lineNamedIn('Set consumer.batch.size.', lines), 5)
    assert.equal(lineNamedIn('Invalid value x for configuration batch: wrong', lines), 4)
    assert.equal(lineNamedIn('Give "topic" before batch.size', lines), 2)
    for (const message of ['the topic is not there', 'batch.size.bytes, my-batch.size', 'Missing required configuration "file"'])
      assert.equal(lineNamedIn(message, lines), null, message)
  })

  it('names file, line and key of a malformed escape', () => {
    assert.throws(
      () => parseProperties('a=1\n\nfile=C:\\\n   \\users', 'w.properties'),
      (error: unknown) => {
        assert.ok(error instanceof SettingsFileError)
        assert.match(error.message, /^w\.properties:3: malformed \\uxxxx escape.*\(key "file"\)$/)
        assert.deepEqual([error.file, error.line, error.key], ['w.properties', 3, 'file'])
        return true
      },
    )
    assert.throws(() => parseProperties('a=\\u12', 'w.properties'), SettingsFileError)
    assert.throws(() => parseProperties('a=\\u12g4', 'w.properties'), SettingsFileError)
  })

  it('names a file that is not there', async () => {
    await assert.rejects(readPropertiesFile('/nonexistent/w.properties'), /\/nonexistent\/w\.properties: file not found/)
  })
})
