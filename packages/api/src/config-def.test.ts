import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  caseInsensitiveValidString,
  composite,
  ConfigDef,
  ConfigError,
  nonEmptyString,
  nonEmptyStringWithoutControlChars,
  nonNull,
  parseType,
  Password,
  range,
  validList,
  validString,
  type Validator,
} from './index.ts'

const example = new ConfigDef()
  .define('file', { type: 'STRING', default: null, importance: 'HIGH', documentation: 'A file.' })
  .define('topic', { type: 'STRING', importance: 'HIGH', documentation: 'A topic.', validator: nonEmptyString })
  .define('batch.size', { type: 'INT', default: 2000, importance: 'LOW', documentation: 'Lines.', validator: range.atLeast(1) })
  .define('secret', { type: 'PASSWORD', default: null, importance: 'LOW', documentation: 'A secret.' })
  .define('names', { type: 'LIST', default: 'a,b', importance: 'LOW', documentation: 'Names.' })

test('parses properties to the types of the definition', () => {
  const parsed = example.parse({ topic: ' t ', 'batch.size': '5', secret: 'x', names: ' a , ,b', other: 'ignored' })
  const file: string | null = parsed.file
  const topic: string = parsed.topic
  const batchSize: number = parsed['batch.size']
  const names: readonly string[] = parsed.names
  assert.deepEqual([file, topic, batchSize, names], [null, 't', 5, ['a', '', 'b']])
  assert.equal(parsed.secret?.value, 'x')
  assert.deepEqual(example.parse({ topic: 't' }).names, ['a', 'b'])
})

test('throws for the first property that is missing or wrong', () => {
  assert.throws(() => example.parse({}), {
    name: 'ConfigError',
    javaClass: 'org.apache.kafka.common.config.ConfigException',
    message: 'Missing required configuration "topic" which has no default value.',
  })
  assert.throws(() => example.parse({ topic: 't', 'batch.size': '0' }), {
    message: 'Invalid value 0 for configuration batch.size: Value must be at least 1',
  })
})

test('reports everything that is wrong, by key, in the order of definition', () => {
  const { values } = example.validate({ 'batch.size': 'x' })
  assert.deepEqual(
    values.map(({ name, value, errorMessages, visible }) => [name, value, errorMessages, visible]),
    [
      ['file', null, [], true],
      ['topic', null, ['Missing required configuration "topic" which has no default value.'], true],
      [
        'batch.size',
        null,
        ['Invalid value x for configuration batch.size: Not a number of type INT', 'Invalid value null for configuration batch.size: Value must be non-null'],
        true,
      ],
      ['secret', null, [], true],
      ['names', ['a', 'b'], [], true],
    ],
  )
})

test('parses types by the rules of the original', () => {
  const messageOf = (raw: unknown, type: Parameters<typeof parseType>[2]): string => {
    try {
      return `parsed ${String(parseType('k', raw, type))}`
    } catch (error) {
      return (error as ConfigError).message
    }
  }
  assert.equal(parseType('k', ' TRUE ', 'BOOLEAN'), true)
  assert.equal(messageOf('yes', 'BOOLEAN'), 'Invalid value yes for configuration k: Expected value to be either true or false')
  assert.equal(parseType('k', '+12', 'INT'), 12)
  assert.equal(messageOf('2147483648', 'INT'), 'Invalid value 2147483648 for configuration k: Not a number of type INT')
  assert.equal(parseType('k', '-2147483648', 'INT'), -2147483648)
  assert.equal(messageOf('1.0', 'INT'), 'Invalid value 1.0 for configuration k: Not a number of type INT')
  assert.equal(messageOf('', 'INT'), 'Invalid value  for configuration k: Not a number of type INT')
  assert.equal(messageOf('32768', 'SHORT'), 'Invalid value 32768 for configuration k: Not a number of type SHORT')
  assert.equal(parseType('k', '9223372036854775807', 'LONG'), 9223372036854775807n)
  assert.equal(messageOf('9223372036854775808', 'LONG'), 'Invalid value 9223372036854775808 for configuration k: Not a number of type LONG')
  assert.equal(parseType('k', '1e3', 'DOUBLE'), 1000)
  assert.equal(parseType('k', '.5d', 'DOUBLE'), 0.5)
  assert.equal(messageOf('1,5', 'DOUBLE'), 'Invalid value 1,5 for configuration k: Not a number of type DOUBLE')
  assert.deepEqual(parseType('k', ' ', 'LIST'), [])
  assert.deepEqual(parseType('k', 'a, b ,c,', 'LIST'), ['a', 'b', 'c', ''])
  assert.equal(parseType('k', null, 'INT'), null)
  assert.equal(messageOf(5, 'STRING'), 'Invalid value 5 for configuration k: Expected value to be a string, but it was a number')
})

test('never shows a password', () => {
  const password = new Password('secret')
  assert.equal(password.value, 'secret')
  assert.equal(`${password} ${JSON.stringify({ password })}`, '[hidden] {"password":"[hidden]"}')
  assert.doesNotMatch(JSON.stringify(example.validate({ topic: 't', secret: 'secret' })), /"secret":"secret"|: ?"secret"[^,]*}/)
})

const refusals: readonly (readonly [Validator, unknown, string | null])[] = [
  [range.between(1, 5), 9, 'Invalid value 9 for configuration k: Value must be no more than 5'],
  [range.atLeast(1), null, 'Invalid value null for configuration k: Value must be non-null'],
  [validString.in('a', 'b'), 'c', 'Invalid value c for configuration k: String must be one of: a, b'],
  [caseInsensitiveValidString.in('a', 'b'), 'c', 'Invalid value c for configuration k: String must be one of (case insensitive): A, B'],
  [caseInsensitiveValidString.in('a', 'b'), 'B', null],
  [validList.in('a', 'b'), ['c'], 'Invalid value c for configuration k: String must be one of: a, b'],
  [validList.in('a', 'b'), ['a', 'a'], "Configuration 'k' values must not be duplicated."],
  [validList.anyNonDuplicateValues(), null, "Configuration 'k' values must not be null."],
  [validList.anyNonDuplicateValues({ isEmptyAllowed: false }), [], "Configuration 'k' must not be empty. Valid values include: any non-empty value"],
  [validList.anyNonDuplicateValues(), ['', 'a'], "Configuration 'k' values must not be empty."],
  [nonEmptyString, '', 'Invalid value  for configuration k: String must be non-empty'],
  [nonEmptyStringWithoutControlChars, '', 'Invalid value  for configuration k: String may not be empty'],
  [
    nonEmptyStringWithoutControlChars,
    'a\u0001',
    'Invalid value a\u0001 for configuration k: String may not contain control sequences but had the following ASCII chars: 1',
  ],
  [nonEmptyStringWithoutControlChars, null, null],
  [nonNull, null, 'Invalid value null for configuration k: entry must be non null'],
  [composite(nonNull, nonEmptyString), '', 'Invalid value  for configuration k: String must be non-empty'],
]

test('validators refuse with the messages of the original', () => {
  for (const [validator, value, message] of refusals) {
    if (message === null) validator.ensureValid('k', value)
    else assert.throws(() => validator.ensureValid('k', value), { message })
  }
})

test('validators describe themselves like the original', () => {
  assert.deepEqual([range.atLeast(0), range.between(0, 3600), range.betweenDouble(0.5, 1), validString.in('none', 'all')].map(String), [
    '[0,...]',
    '[0,...,3600]',
    '[0.5,...,1.0]',
    '[none, all]',
  ])
  assert.equal(String(composite(nonNull, nonEmptyString)), 'non-null string, non-empty string')
})

test('drops duplicates of a list when it parses and reports them when it validates', () => {
  const definition = new ConfigDef().define('l', {
    type: 'LIST',
    default: [],
    importance: 'LOW',
    documentation: '',
    validator: validList.anyNonDuplicateValues(),
  })
  assert.deepEqual(definition.parse({ l: 'a,a,b' }).l, ['a', 'b'])
  assert.deepEqual(definition.validate({ l: 'a,a,b' }).values, [
    { name: 'l', value: ['a', 'a', 'b'], recommendedValues: [], errorMessages: ["Configuration 'l' values must not be duplicated."], visible: true },
  ])
})

test('asks recommenders with all parsed values, and turns their errors into messages', () => {
  const definition = new ConfigDef()
    .define('mode', { type: 'STRING', default: 'a', importance: 'HIGH', documentation: '', dependents: ['part', 'missing'] })
    .define('part', {
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation: '',
      recommender: {
        validValues: (name, parsed) => {
          if (parsed['mode'] === 'bad') throw new ConfigError(`no values for ${name}`)
          return [`${String(parsed['mode'])}-1`]
        },
        visible: (_name, parsed) => parsed['mode'] === 'b',
      },
    })
  const valueOf = (mode: string): unknown => definition.validate({ mode }).values.find((value) => value.name === 'part')
  assert.deepEqual(valueOf('a'), { name: 'part', value: null, recommendedValues: ['a-1'], errorMessages: [], visible: false })
  assert.deepEqual(valueOf('b'), { name: 'part', value: null, recommendedValues: ['b-1'], errorMessages: [], visible: true })
  assert.deepEqual(valueOf('bad'), { name: 'part', value: null, recommendedValues: [], errorMessages: ['no values for part'], visible: true })
  assert.deepEqual(definition.validate({}).values[0], {
    name: 'missing',
    value: null,
    recommendedValues: [],
    errorMessages: ['missing is referred in the dependents, but not defined.'],
    visible: false,
  })
  assert.throws(() => definition.parse({}), /referred in the dependents, but not defined: missing/)
})

test('refuses to define a key twice, or with a default that does not fit', () => {
  const once = new ConfigDef().define('a', { type: 'INT', default: 1, importance: 'LOW', documentation: '' })
  assert.throws(() => once.define('a', { type: 'INT', default: 1, importance: 'LOW', documentation: '' }), { message: 'Configuration a is defined twice.' })
  assert.throws(() => once.merge(once), { message: 'Configuration a is defined twice.' })
  assert.throws(() => once.define('b', { type: 'INT', default: 'x', importance: 'LOW', documentation: '' }), /Not a number of type INT/)
  assert.throws(() => once.define('b', { type: 'INT', default: 0, importance: 'LOW', documentation: '', validator: range.atLeast(1) }), /at least 1/)
  assert.equal(once.keys.size, 1)
})

test('completes what a key does not say', () => {
  const definition = example
    .define('grouped', { type: 'INT', default: 1, importance: 'LOW', documentation: '', group: 'G', orderInGroup: 0, width: 'SHORT', displayName: 'Grouped' })
    .merge(new ConfigDef().define('more', { type: 'INT', default: 1, importance: 'LOW', documentation: '', group: 'H' }))
  assert.deepEqual(definition.groups, ['G', 'H'])
  const topic = definition.keys.get('topic')
  assert.deepEqual([topic?.group, topic?.orderInGroup, topic?.width, topic?.displayName, topic?.isRequired], [null, -1, 'NONE', 'topic', true])
})
