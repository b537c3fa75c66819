import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ApiKey, type ApiName, apiByKey, apis } from './apis.ts'
import { ProtocolError } from './errors.ts'
import type { Fields, Message } from './fields.ts'
import { goldenMessages } from './golden.test-data.ts'
import { randomly, valuesOf } from './random.test-data.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

const sides = ['request', 'response'] as const

function messageOf(api: ApiName, side: (typeof sides)[number]): Message<Fields> {
  return apis[api][side] as unknown as Message<Fields>
}

const versionsOf = ({ versions: { min, max } }: Message<Fields>) => Array.from({ length: max - min + 1 }, (_, i) => min + i)

/** The golden values hold bytes as base64. */
function withBase64(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(withBase64)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, withBase64(field)]))
}

/** Every field that `expected` has, at every depth; fields that a version does not carry are not in it. */
function assertHas(actual: unknown, expected: unknown, path: string): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual) && actual.length === expected.length, path)
    for (const [i, item] of expected.entries()) assertHas(actual[i], item, `${path}[${i}]`)
  } else if (typeof expected === 'object' && expected !== null) {
    for (const [name, field] of Object.entries(expected)) assertHas((actual as Record<string, unknown>)[name], field, `${path}.${name}`)
  } else {
    assert.equal(actual, expected, path)
  }
}

test('every message in every version has the bytes and the values of the Java client', () => {
  const seen = new Set<string>()
  for (const { api, side, version, bytes, value } of goldenMessages()) {
    const message = messageOf(api as ApiName, side)
    const path = `${message.name} ${version}`
    const reader = new Reader(Buffer.from(bytes, 'hex'))
    const decoded = message.decode(reader, version)
    assert.equal(reader.remaining, 0, path)
    assertHas(withBase64(decoded), value, path)

    const writer = new Writer()
    message.encode(writer, version, decoded as never)
    assert.equal(writer.result().toString('hex'), bytes, path)
    seen.add(path)
  }
  for (const api of Object.keys(apis) as ApiName[]) {
    for (const side of sides) {
      const message = messageOf(api, side)
      for (const version of versionsOf(message)) assert.ok(seen.has(`${message.name} ${version}`), `${message.name} ${version} is not covered`)
    }
  }
})

for (const api of Object.keys(apis) as ApiName[]) {
  test(`${api} keeps every value in every version`, () => {
    for (const side of sides) {
      const message = messageOf(api, side)
      for (const version of versionsOf(message)) {
        fc.assert(
          fc.property(valuesOf(message, version), (value) => {
            const writer = new Writer(1)
            message.encode(writer, version, value as never)
            const reader = new Reader(Buffer.from(writer.result()))
            const decoded = message.decode(reader, version) as Record<string, unknown>
            assert.equal(reader.remaining, 0)
            assertHas(withBase64(decoded), withBase64(value), `${message.name} ${version}`)
          }),
          randomly(12),
        )
      }
    }
  })
}

test('cut and broken messages are refused as such', () => {
  const golden = goldenMessages()
  fc.assert(
    fc.property(
      fc.nat(golden.length - 1),
      fc.nat(),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      fc.boolean(),
      (index, cut, changes, isCut) => {
        const { api, side, version, bytes } = golden[index]!
        const data = Buffer.from(bytes, 'hex')
        if (data.length === 0) return
        for (const [at, byte] of changes) data[at % data.length] = byte
        const end = isCut ? cut % data.length : data.length
        try {
          messageOf(api as ApiName, side).decode(new Reader(data, 0, end), version)
        } catch (error) {
          assert.ok(error instanceof ProtocolError, `${api} ${side} ${version}: ${String(error)}`)
        }
      },
    ),
    randomly(5000),
  )
})

test('random bytes are refused as such in every message', () => {
  const names = Object.keys(apis) as ApiName[]
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.constantFrom(...sides), fc.nat(), fc.uint8Array({ maxLength: 400 }), (api, side, pick, data) => {
      const message = messageOf(api, side)
      const versions = versionsOf(message)
      try {
        message.decode(new Reader(Buffer.from(data)), versions[pick % versions.length]!)
      } catch (error) {
        assert.ok(error instanceof ProtocolError, `${message.name}: ${String(error)}`)
      }
    }),
    randomly(4000),
  )
})

test('names and numbers of requests belong together', () => {
  for (const [name, { key, request, response }] of Object.entries(apis)) {
    assert.equal(ApiKey[name as ApiName], key)
    assert.equal(apiByKey(key), name)
    assert.equal(request.name, `${name}Request`)
    assert.equal(response.name, `${name}Response`)
  }
  assert.equal(apiByKey(9999), undefined)
})
