import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { randomBySeed } from '@millrace/testing'
import { NEEDS_EXACT, parseJsonAt } from './json-text.ts'
import { ShapedJson, UNKNOWN_SHAPE } from './shaped-json.ts'

/** As the converter does; `known` tells whether the shape was known. */
function readThen(shaped: ShapedJson, text: string | Buffer): { readonly known: boolean; readonly value: unknown } {
  // Other texts stand before and behind, as in a fetched buffer.
  const bytes = Buffer.concat([Buffer.from('{"x":1}'), Buffer.from(text), Buffer.from('"}]1.5e3')])
  const start = 7
  const end = bytes.length - 8
  const general = parseJsonAt(bytes, start, end, false)
  const value = shaped.read(bytes, start, end)
  if (value === UNKNOWN_SHAPE) {
    if (general !== NEEDS_EXACT) shaped.learn(bytes, start)
    return { known: false, value: general }
  }
  assert.deepStrictEqual(value, general, String(text))
  assert.equal(JSON.stringify(value), JSON.stringify(general), 'also in the order of its keys')
  return { known: true, value }
}

/** Whether each text is of a known shape after those before it. */
function known(...texts: (string | Buffer)[]): boolean[] {
  const shaped = new ShapedJson()
  return texts.map((text) => readThen(shaped, text).known)
}

test('knows an object again whose values differ', () => {
  assert.deepEqual(
    known(
      '{"a":1,"b":"x","c":{"d":null,"e":[1,"y",{"f":true}]}}',
      '{"a":-20.5,"b":"","c":{"d":false,"e":[]}}',
      '{"a":null,"b":"a longer text than before","c":{"d":"2","e":[{"f":1},{"f":2}]}}',
    ),
    [false, true, true],
  )
})

test('knows it with other blanks only when it has seen them', () => {
  assert.deepEqual(known('{"a": 1, "b": [1, 2]}', '{"a": 2, "b": [3, 4]}', '{"a":2,"b":[3,4]}', '{"a":2,"b":[3,4]}', '{"a":2,"b":[3,4]}\n'), [
    false,
    true,
    false,
    true,
    false,
  ])
})

test('tells apart several kinds of objects in one place', () => {
  const kinds = ['{"a":1}', '{"b":{"c":1}}', '{"b":{"d":1}}', '{}', '{"a":{}}']
  assert.deepEqual(known(...kinds, ...kinds), [false, false, false, false, false, true, true, true, true, true])
})

test('reads escapes and characters beyond ASCII in values and keys', () => {
  assert.deepEqual(known('{"ü":"a"}', '{"ü":"\\"\\n\\u00fc\\ud800"}', '{"ü":"ü€😀"}', '{"ü":"\\x"}', Buffer.from('7b22c3bc223a22ff227d', 'hex')), [
    false,
    true,
    true,
    false,
    false,
  ])
})

test('leaves to others what JSON.parse would change, and what is no JSON', () => {
  const unusual = [
    '1.0',
    '1e3',
    '-0',
    '-0.0',
    '123456789012345678',
    '0.1234567890123456789',
    '01',
    '1.',
    '.5',
    '-',
    'tru',
    '"',
    '"\t"',
    '[1,]',
    '[',
    '{',
    '{}',
    '',
  ]
  for (const value of unusual) assert.deepEqual(known('{"a":1,"b":[]}', `{"a":${value},"b":[]}`)[1], false, value)
  for (const text of ['{"a":1}}', '{"a":1', '{"a":1]', '', ' {"a":1}', '1', '"a"', '[]']) assert.deepEqual(known('{"a":1}', text)[1], false, text)
})

test('never takes a key twice, or one that an object would not keep as it is', () => {
  for (const text of ['{"a":1,"a":2}', '{"1":1}', '{"__proto__":1}', '{"\\u0061":1}']) assert.deepEqual(known(text, text), [false, false], text)
})

test('numbers come out as JSON.parse gives them', () => {
  const numbers = ['0', '7', '-7', '999999999999999', '0.1', '0.3', '-1.25', '123.456', '0.000001', '1.00000000000001', '12345678.9012345', '99999.9999999999']
  for (const number of numbers) assert.deepEqual(known('{"a":1}', `{"a":${number}}`), [false, true], number)
})

test('rests when nearly nothing is known, and learns anew afterwards', () => {
  const shaped = new ShapedJson()
  for (let index = 0; index < 5000; index++) assert.equal(readThen(shaped, `{"key${index}":1}`).known, false)
  assert.equal(readThen(shaped, '{"a":1}').known, false)
  assert.equal(readThen(shaped, '{"a":1}').known, false, 'still resting')
  for (let index = 0; index < 10_000; index++) readThen(shaped, '{"a":1}')
  assert.equal(readThen(shaped, '{"a":1}').known, true)
})

test('nesting deeper than anything seen costs no stack', () => {
  const deep = `{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`
  assert.deepEqual(known('{"a":[]}', deep), [false, false])
})

test('works where Node compiles nothing from strings', () => {
  const program = `
    import { ShapedJson } from ${JSON.stringify(import.meta.resolve('./shaped-json.ts'))}
    const shaped = new ShapedJson()
    const bytes = Buffer.from('{"b":1,"a":[2]}')
    shaped.learn(bytes, 0)
    console.log(JSON.stringify(shaped.read(bytes, 0, bytes.length)))`
  const output = execFileSync(process.execPath, ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', program], { encoding: 'utf8' })
  assert.equal(output, '{"b":1,"a":[2]}\n')
})

// Randomised: see `readThen`, which compares every value with what JSON.parse gives.

type Random = () => number

const seedOfRun = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const keys = ['id', 'name', 'a b', '', 'ü', 'constructor', 'toString', 'a1', 'very_long_key_of_an_object', '$', "'", '\u2028', 'x', 'y']
const unusualKeys = ['__proto__', '1', 'x"y', 'x\\y']
const scalars = ['0', '1', '-12.5', '0.30', '0.1', 'true', 'false', 'null', '""', '"short"', '"a text of some length"', '"ü"', '"\\n"']
const unusualScalars = ['-0', '1.0', '1e2', '12345678901234567890', '-1234567890123456', '"\\ud800"']

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T
}

/** Makes texts that have the same keys most of the time. */
function family(random: Random, depth = 0): () => string {
  const kind = random()
  if (depth === 0 || (kind < 0.3 && depth < 4)) {
    const members = Array.from({ length: Math.floor(random() * 6) }, () => ({
      key: JSON.stringify(pick(random, random() < 0.02 ? unusualKeys : keys)),
      value: family(random, depth + 1),
    }))
    const colon = pick(random, [':', ':', ': ', ' : '])
    const comma = pick(random, [',', ',', ', ', ',\n  '])
    return () => {
      const present = members.filter(() => random() < 0.99)
      return `{${present.map(({ key, value }) => key + colon + value()).join(comma)}}`
    }
  }
  if (kind < 0.5 && depth < 4) {
    const element = family(random, depth + 1)
    return () => `[${Array.from({ length: Math.floor(random() * 4) }, element).join(',')}]`
  }
  const usual = scalars.filter(() => random() < 0.3)
  return () => pick(random, random() < 0.01 ? unusualScalars : usual.length === 0 ? scalars : usual)
}

function mutated(random: Random, text: string): Buffer {
  const bytes = Buffer.from(text)
  const at = Math.floor(random() * bytes.length)
  const kind = random()
  if (kind < 0.5) bytes[at] = random() < 0.5 ? Math.floor(random() * 256) : pick(random, [...Buffer.from('{}[]",:0123456789.-eE\\ tfn')])
  return kind < 0.75 ? bytes : kind < 0.9 ? bytes.subarray(0, at) : Buffer.concat([bytes, bytes.subarray(at)])
}

test('gives what JSON.parse gives, for random texts', (t) => {
  t.diagnostic(`MILLRACE_SEED=${seedOfRun}`)
  const random = randomBySeed(seedOfRun)
  const texts = Number(process.env['MILLRACE_TEXTS'] ?? 60_000)
  let count = 0
  for (let read = 0; read < texts; ) {
    const shaped = new ShapedJson()
    const makers = Array.from({ length: 1 + Math.floor(random() * 3) }, () => family(random))
    for (let index = 0; index < 200; index++, read++) {
      const text = pick(random, makers)()
      if (readThen(shaped, random() < 0.1 ? mutated(random, text) : text).known) count++
    }
  }
  t.diagnostic(`${count} of ${texts} texts were of a known shape`)
  assert.ok(count > texts / 5)
})
