import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyError, readConnectorOffsets, readCreateRequest, readStringMap, readTaskConfigs } from './request-bodies.ts'

const AT = ' at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: '
const ENTITIES = 'org.apache.kafka.connect.runtime.rest.entities'

function failure(read: (bytes: Buffer) => unknown, text: string | Buffer): string {
  try {
    read(Buffer.from(text))
  } catch (error) {
    assert.ok(error instanceof BodyError, String(error))
    return error.message
  }
  assert.fail(`${String(text)} was accepted`)
}

test('scalars become the text that was written', () => {
  assert.deepEqual(readStringMap(Buffer.from('{"a":1.10,"b":true,"c":null,"d":12345678901234567890,"e":1e3}')), {
    a: '1.10',
    b: 'true',
    c: null,
    d: '12345678901234567890',
    e: '1e3',
  })
})

test('a key __proto__ is a key like others, and the last of two equal keys wins', () => {
  const map = readStringMap(Buffer.from('{"__proto__":"x","a":"1","a":"2"}'))
  assert.deepEqual(Object.entries(map ?? {}), [
    ['__proto__', 'x'],
    ['a', '2'],
  ])
  assert.equal(Object.getPrototypeOf(map), Object.prototype)
})

test('an empty body and null are no body', () => {
  for (const text of ['', '   ', 'null', '\ufeffnull']) assert.equal(readCreateRequest(Buffer.from(text)), null)
})

test('a request to create binds its three fields', () => {
  assert.deepEqual(readCreateRequest(Buffer.from('{"name":5,"config":{"a":"b"},"initial_state":"paused"}')), {
    name: '5',
    config: { a: 'b' },
    initialState: 'PAUSED',
  })
})

// Each message was answered by Kafka Connect 4.3.1 to the same body.
const CREATE_MESSAGES: readonly (readonly [string, string])[] = [
  ['{bad', `Unexpected character ('b' (code 98)): was expecting double-quote to start field name\n${AT}1, column: 2]`],
  ['{"name"', `Unexpected end-of-input within/between Object entries\n${AT}1, column: 8]`],
  ['{"name":"x"', `Unexpected end-of-input: expected close marker for Object (start marker at${AT.slice(3)}1, column: 1])\n${AT}1, column: 12]`],
  ['{"name":"x" "y"}', `Unexpected character ('"' (code 34)): was expecting comma to separate Object entries\n${AT}1, column: 13]`],
  ['{"name":01}', `Invalid numeric value: Leading zeroes not allowed\n${AT}1, column: 10]`],
  ['{"name":1.}', `Unexpected character ('}' (code 125)) in numeric value: Decimal point not followed by a digit\n${AT}1, column: 11]`],
  ['{"name":NaN}', `Non-standard token 'NaN': enable \`JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS\` to allow\n${AT}1, column: 12]`],
  ['{"name":x}', `Unrecognized token 'x': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n${AT}1, column: 9]`],
  ['{"name":"\\x"}', `Unrecognized character escape 'x' (code 120)\n${AT}1, column: 11] (through reference chain: ${ENTITIES}.CreateConnectorRequest["name"])`],
  [
    '{"name":"x"} {"a":1}',
    `Trailing token (of type START_OBJECT) found after value (bound as \`${ENTITIES}.CreateConnectorRequest\`): not allowed as per \`DeserializationFeature.FAIL_ON_TRAILING_TOKENS\`\n${AT}1, column: 14]`,
  ],
  [
    '{\n "name": 1,\n "foo": 2}',
    `Unrecognized field "foo" (class ${ENTITIES}.CreateConnectorRequest), not marked as ignorable (3 known properties: "config", "name", "initial_state")\n${AT}3, column: 11] (through reference chain: ${ENTITIES}.CreateConnectorRequest["foo"])`,
  ],
  ['[]', `Cannot deserialize value of type \`${ENTITIES}.CreateConnectorRequest\` from Array value (token \`JsonToken.START_ARRAY\`)\n${AT}1, column: 1]`],
  [
    '"x"',
    `Cannot construct instance of \`${ENTITIES}.CreateConnectorRequest\` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('x')\n${AT}1, column: 1]`,
  ],
  [
    '{"config":{"a":{"b":1}}}',
    `Cannot deserialize value of type \`java.lang.String\` from Object value (token \`JsonToken.START_OBJECT\`)\n${AT}1, column: 16] (through reference chain: ${ENTITIES}.CreateConnectorRequest["config"]->java.util.LinkedHashMap["a"])`,
  ],
  [
    '{"name":"n","initial_state":"BOGUS"}',
    `Cannot construct instance of \`${ENTITIES}.CreateConnectorRequest$InitialState\`, problem: No enum constant ${ENTITIES}.CreateConnectorRequest.InitialState.BOGUS\n${AT}1, column: 29] (through reference chain: ${ENTITIES}.CreateConnectorRequest["initial_state"])`,
  ],
  [']', `Unexpected close marker ']': no open Array to close\n${AT}1, column: 1]`],
  ['\0', `Illegal character ((CTRL-CHAR, code 0)): only regular white space (\\r, \\n, \\t) is allowed between tokens\n${AT}1, column: 2]`],
]

for (const [body, message] of CREATE_MESSAGES) {
  test(`the body ${JSON.stringify(body)} is refused in the words of the original`, () => {
    assert.equal(failure(readCreateRequest, body), message)
  })
}

test('bytes that are not UTF-8 are refused', () => {
  assert.match(
    failure(readCreateRequest, Buffer.from([...Buffer.from('{"name":"'), 0xff, ...Buffer.from('"}')])),
    /^Invalid UTF-8 start byte 0xff\n.*column: 11\]/,
  )
})

test('offsets keep integers that a number cannot hold', () => {
  const body = readConnectorOffsets(Buffer.from('{"offsets":[{"partition":{"f":"x"},"offset":{"p":9007199254740993,"q":[1,2.5,{"a":null}]}},null]}'))
  assert.deepEqual(body, { offsets: [{ partition: { f: 'x' }, offset: { p: 9007199254740993n, q: [1, 2.5, { a: null }] } }, null] })
})

test('an unknown field of an offset is named with its way', () => {
  assert.match(
    failure(readConnectorOffsets, '{"offsets":[{"x":1}]}'),
    /ConnectorOffsets\["offsets"\]->java\.util\.ArrayList\[0\]->org\.[\w.]+ConnectorOffset\["x"\]\)$/,
  )
})

test('the internal request for task configurations needs a list', () => {
  assert.deepEqual(readTaskConfigs(Buffer.from('[{"a":1}]')), [{ a: '1' }])
  assert.match(failure(readTaskConfigs, ''), /^No content to map due to end-of-input\n/)
  assert.match(failure(readTaskConfigs, '{}'), /from Object value/)
})

test('deep nesting is refused before it costs anything', () => {
  assert.match(failure(readConnectorOffsets, `{"offsets":[{"offset":{"a":${'['.repeat(100_000)}`), /nesting depth \(501\) exceeds the maximum allowed \(500/)
})

test('no body whatever makes the reader fail otherwise than with a message', () => {
  const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 1_000_000)
  let state = seed
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state % below
  }
  const bodies = [
    '{"name":"x","config":{"a":"b\\u00e9","n":-1.50e+3,"t":true,"z":null}}',
    '{"offsets":[{"partition":{"f":[1,{}]},"offset":null}]}',
    '[{"a":1}]',
  ]
  for (let round = 0; round < 3000; round++) {
    const body = Buffer.from(bodies[random(bodies.length)] ?? '')
    for (let change = random(3); change >= 0; change--) body[random(body.length)] = random(256)
    const cut = body.subarray(0, random(body.length + 1))
    for (const read of [readCreateRequest, readStringMap, readConnectorOffsets, readTaskConfigs]) {
      try {
        read(cut)
      } catch (error) {
        assert.ok(error instanceof BodyError, `seed ${seed}, body ${JSON.stringify(cut.toString('latin1'))}: ${String(error)}`)
      }
    }
  }
})
