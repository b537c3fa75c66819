import assert from 'node:assert/strict'
import test from 'node:test'
import { javaRegExp } from './java-regex.ts'

function matches(expression: string, texts: readonly string[]): string[] {
  const pattern = javaRegExp(expression)
  return texts.filter((text) => pattern.test(text))
}

test('an expression matches the whole text', () => {
  assert.deepEqual(matches('orders|ord.', ['orders', 'orders-2', 'ordx', 'my-orders']), ['orders', 'ordx'])
  assert.deepEqual(matches('', ['', 'a']), [''])
})

test('flags at the beginning, and those of a group', () => {
  assert.deepEqual(matches('(?i)orders\\..*', ['Orders.eu', 'ORDERS.', 'orders']), ['Orders.eu', 'ORDERS.'])
  assert.deepEqual(matches('(?i:a)b', ['ab', 'Ab', 'AB']), ['ab', 'Ab'])
})

test('anchors and quotations of Java', () => {
  assert.deepEqual(matches('\\Adb\\.\\Qa.b*\\E.*\\z', ['db.a.b*', 'db.a.b*x', 'db.axb']), ['db.a.b*', 'db.a.b*x'])
  assert.deepEqual(matches('\\Qa|b', ['a|b', 'a']), ['a|b'])
  assert.deepEqual(matches('^a$', ['a']), ['a'])
})

test('classes by name: those of POSIX know ASCII only, others are those of Unicode', () => {
  assert.deepEqual(matches('\\p{Alpha}+', ['abc', 'äbc', 'a1']), ['abc'])
  assert.deepEqual(matches('[\\p{Alnum}_-]+', ['a_1-b', 'a.b']), ['a_1-b'])
  assert.deepEqual(matches('\\P{Digit}', ['a', '7', 'ä']), ['a', 'ä'])
  assert.deepEqual(matches('\\p{L}+', ['äbc', 'a1']), ['äbc'])
  assert.deepEqual(matches('\\p{IsAlphabetic}\\p{Lu}\\pL', ['aBc', 'abc']), ['aBc'])
  assert.deepEqual(matches('\\p{Punct}', ['!', '[', '{', '/', 'a']), ['!', '[', '{', '/'])
})

test('characters that JavaScript takes otherwise stand for themselves, as in Java', () => {
  assert.deepEqual(matches('a\\-b\\_c\\:d', ['a-b_c:d']), ['a-b_c:d'])
  assert.deepEqual(matches('[\\w.-]+', ['a.b-c_1', 'a/b']), ['a.b-c_1'])
  assert.deepEqual(matches('[\\w-.]+', ['a.b-c_1', 'a/b']), ['a.b-c_1'])
  assert.deepEqual(matches('[a-c]+[^a-c]', ['abcd', 'abca']), ['abcd'])
  assert.deepEqual(matches('[]a]+', [']a', 'b']), [']a'])
  assert.deepEqual(matches('a]}', ['a]}']), ['a]}'])
  assert.deepEqual(matches('\\x41\\u0042\\x{43}\\0104', ['ABCD']), ['ABCD'])
  assert.deepEqual(matches('[^\\s]\\S\\h', ['ab ', 'a\u00a0 ', '  ']), ['ab ', 'a\u00a0 '])
})

test('repetitions, groups, references and looking around work as they are', () => {
  assert.deepEqual(matches('(a|b){2,3}?c*', ['ab', 'abac', 'a']), ['ab', 'abac'])
  assert.deepEqual(matches('(?<x>a|b)\\k<x>(c)\\2', ['aacc', 'abcc']), ['aacc'])
  assert.deepEqual(matches('(?!internal\\.).*(?<!-dlq)', ['orders', 'internal.x', 'orders-dlq']), ['orders'])
})

test('what cannot be translated is refused, and the message says what and where', () => {
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['a*+', /possessive quantifier .* cannot be used here, in "a\*\+"/],
    ['a{2}+', /possessive/],
    ['(?>a|ab)c', /atomic group/],
    ['a(?i)b', /flags \(\?i\) in the middle; write them first/],
    ['(?x)a', /flag \(\?x\) cannot be used here/],
    ['[a-z&&[^b]]', /intersection of classes/],
    ['[a[b]]', /class within a class/],
    ['\\p{javaLowerCase}', /character property \\p\{javaLowerCase\}/],
    ['\\G', /end of the previous match/],
    ['a{x}', /Illegal repetition in "a\{x\}"/],
    ['[a', /Unclosed character class in "\[a"/],
    ['(a', /Unterminated group in "\(a"/],
    ['*a', /Nothing to repeat in "\*a"/],
    ['a\\', /Unexpected end after a backslash/],
    ['\\y', /Unknown escape \\y/],
  ]
  for (const [expression, message] of refusals) assert.throws(() => javaRegExp(expression), { name: 'SyntaxError', message }, expression)
})
