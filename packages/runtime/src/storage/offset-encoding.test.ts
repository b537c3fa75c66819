import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canonicalOffsetKey, decodeOffsetKey, decodeOffsetValue, offsetKey, offsetValue } from './offset-encoding.ts'

describe('offset encoding', () => {
  it('writes a key as the original does', () => {
    assert.equal(offsetKey('src', { filename: '/data/in.txt' }).toString(), '["src",{"filename":"/data/in.txt"}]')
  })

  it('keeps the order of fields', () => {
    assert.equal(offsetKey('c', { z: 1, a: 2 }).toString(), '["c",{"z":1,"a":2}]')
  })

  it('writes a null partition as null', () => {
    assert.equal(offsetKey('c', null).toString(), '["c",null]')
  })

  it('writes primitive values as Jackson does', () => {
    const value = offsetValue({
      long: 9223372036854775807n,
      int: -3,
      double: 1.5,
      big: 1e21,
      not: Number.NaN,
      yes: true,
      none: null,
      bytes: new Uint8Array([1, 255]),
      text: '"\u001f\n\u00e9',
    })
    assert.equal(
      value.toString(),
      '{"long":9223372036854775807,"int":-3,"double":1.5,"big":1.0E21,"not":"NaN","yes":true,"none":null,"bytes":"Af8=","text":"\\"\\u001F\\n\u00e9"}',
    )
  })

  it('refuses values that are not primitive, with the field', () => {
    assert.throws(() => offsetValue({ a: [1] as unknown as string }), /Offsets may only contain primitive types as values, but field a contains ARRAY/)
    assert.throws(() => offsetKey('c', { a: {} as unknown as string }), /field a contains MAP/)
    assert.throws(() => offsetKey('c', { a: undefined as unknown as string }), /field a contains undefined/)
  })

  it('reads integers exactly', () => {
    assert.deepEqual(decodeOffsetValue(Buffer.from('{"a":9007199254740993,"b":5,"c":-9223372036854775808,"d":1.5}')), {
      a: 9007199254740993n,
      b: 5,
      c: -9223372036854775808n,
      d: 1.5,
    })
  })

  it('takes bytes that are no key for none', () => {
    for (const text of ['', 'x', '{}', '[]', '["a"]', '["a",{},1]', '[1,{}]', '["a",1]', '["a",[]]'])
      assert.equal(decodeOffsetKey(Buffer.from(text)), null, text)
  })

  it('refuses bytes that are no offset', () => {
    for (const text of ['', '[]', '1', '{']) assert.throws(() => decodeOffsetValue(Buffer.from(text)), /not a JSON object/)
  })

  it('has one canonical key for all orders of fields and all spellings', () => {
    const keys = ['["c",{"a":1,"b":"x"}]', '["c",{"b":"x","a":1}]', '[ "c" , { "b" : "\\u0078" , "a" : 1 } ]'].map((text) =>
      canonicalOffsetKey(Buffer.from(text)),
    )
    assert.equal(new Set(keys).size, 1)
  })

  it('tells different keys apart', () => {
    const texts = [
      '["c",{"a":1}]',
      '["c",{"a":"1"}]',
      '["c",{"a":1.5}]',
      '["d",{"a":1}]',
      '["c",{}]',
      '["c",null]',
      '["c",{"a":null}]',
      '["c",{"a":9007199254740993}]',
      '["c",{"a":9007199254740992}]',
      'junk',
      '["c,",{"a":1}]',
    ]
    assert.equal(new Set(texts.map((text) => canonicalOffsetKey(Buffer.from(text)))).size, texts.length)
  })
})
