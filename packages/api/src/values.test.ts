import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { convertToString, Decimal, javaStringOf, parseString, type Schema, SchemaBuilder, Schemas } from './index.ts'

// The recorded answers are those of a JVM in this zone.
process.env['TZ'] = 'UTC'

interface Vectors {
  readonly vectors: Readonly<Record<string, string>>
}

function vectorsOf(name: string): Readonly<Record<string, string>> {
  return (JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}.json`, import.meta.url), 'utf8')) as Vectors).vectors
}

const classes: Readonly<Record<string, string>> = {
  INT8: 'Byte',
  INT16: 'Short',
  INT32: 'Integer',
  INT64: 'Long',
  FLOAT32: 'Float',
  FLOAT64: 'Double',
  BOOLEAN: 'Boolean',
  STRING: 'String',
  ARRAY: 'ArrayList',
  MAP: 'LinkedHashMap',
}

function schemaText(schema: Schema | null): string {
  if (schema === null) return 'null'
  if (schema.type === 'ARRAY') return `Schema{ARRAY}<${String(schema.valueSchema)}>`
  return schema.type === 'MAP' ? `Schema{MAP}<${String(schema.keySchema)},${String(schema.valueSchema)}>` : String(schema)
}

/** What was recorded has a scale, or the schemas of a map, in some places only. */
function withoutDetails(text: string): string {
  return text
    .replace('{scale=0}', '')
    .replace('{scale=-293}', '')
    .replace(/^Schema\{MAP\}<.*?> =>/, 'Schema{MAP} =>')
}

for (const [text, expected] of Object.entries(vectorsOf('values-parse-string'))) {
  test(`parseString finds in ${JSON.stringify(text)} what the original finds`, () => {
    const { schema, value } = parseString(text)
    if (value === null) return assert.equal('null => null', expected)
    const className = value instanceof Date ? 'Date' : value instanceof Decimal ? 'BigDecimal' : classes[schema?.type ?? '']
    const texts = [javaStringOf(value, schema), ...(value instanceof Date ? [String(value.getTime())] : [])]
    const answers = texts.map((each) => withoutDetails(`${schemaText(schema)} => ${className} ${each}`))
    assert.ok(answers.includes(withoutDetails(expected)), `${answers.join(' or ')} is not ${expected}`)
  })
}

test('parseString leaves nested arrays as they are where their schemas differ', () => {
  const { schema, value } = parseString('[[1],[2.5]]')
  assert.deepEqual(value, [[1], [2.5]])
  assert.equal(schema?.valueSchema?.type, 'ARRAY')
})

test('parseString reads dates in the time zone of the process', () => {
  process.env['TZ'] = 'Europe/Zurich'
  try {
    assert.deepEqual(parseString('2019-08-23').value, new Date('2019-08-22T22:00:00Z'))
    assert.equal(convertToString(null, new Date('2019-08-23T12:34:54.346Z')), '2019-08-23T14:34:54.346Z')
  } finally {
    process.env['TZ'] = 'UTC'
  }
})

test('convertToString writes what the original writes', () => {
  const vectors = vectorsOf('values-convert-to-string')
  const cases: readonly (readonly [string, Schema | null, unknown])[] = [
    ['0:Float:1.0', Schemas.FLOAT32, 1],
    ['1:Double:1.0', Schemas.FLOAT64, 1],
    ['2:Double:1.0E10', Schemas.FLOAT64, 1e10],
    ['3:Double:1.0E-5', null, 1e-5],
    ['4:Double:1.0E8', Schemas.FLOAT64, 1e8],
    ['5:Float:1.5', Schemas.FLOAT32, 1.5],
    ['6:BigDecimal:1.10', null, new Decimal(110n, 2)],
    ['7:byte[]:0x0102', null, Buffer.of(1, 2)],
    ['8:ListN:[a, 1, true]', null, ['a', 1, true]],
    ['9:Map1:{a=[1]}', null, { a: [1] }],
    ['10:Date:0', null, new Date(0)],
    ['11:Date:86400000', null, new Date(86_400_000)],
    ['12:Date:86400001', null, new Date(86_400_001)],
    ['13:String:q"x', null, 'q"x'],
    ['14:List12:[q"x\\y]', null, ['q"x\\y']],
    ['15:Double:NaN', null, Number.NaN],
    ['16:Float:Infinity', Schemas.FLOAT32, Number.POSITIVE_INFINITY],
  ]
  assert.equal(cases.length, Object.keys(vectors).length)
  for (const [name, schema, value] of cases) assert.equal(convertToString(schema, value), vectors[name], name)
})

test('convertToString writes structs with their defaults, and refuses what is no Connect value', () => {
  const schema = SchemaBuilder.struct().field('a', Schemas.INT32).field('b', Schemas.OPTIONAL_STRING).build()
  assert.equal(convertToString(schema, { a: 1 }), '{"a":1,"b":null}')
  assert.equal(convertToString(null, [new Date(0), Buffer.of(1), 'a\nb\\', null]), '[00:00:00.000Z,"AQ==","a\nb\\\\",null]')
  assert.throws(() => convertToString(null, new URL('http://localhost')), /Failed to serialize unexpected value type/)
})
