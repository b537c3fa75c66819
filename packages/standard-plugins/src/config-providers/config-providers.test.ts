import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DirectoryConfigProvider, EnvVarConfigProvider, FileConfigProvider } from '../index.ts'
import { parseProperties } from './properties-text.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-providers-'))
const file = join(folder, 'secrets.properties')
writeFileSync(file, 'user=ann\npassword = pässword\nlong=a\\\n  b\n')
mkdirSync(join(folder, 'sub'))
writeFileSync(join(folder, 'sub', 'token'), 'line 1\nline 2\n')
mkdirSync(join(folder, 'sub', 'folder'))

after(() => rmSync(folder, { recursive: true }))

test('reads properties files by the rules of Java', () => {
  const text = [
    '# comment',
    '! comment',
    '',
    'plain=value',
    '  spaced   value with blanks  ',
    'colon:x',
    'key\\ with\\=escapes = tab\\tend',
    'continued = one, \\',
    '    two',
    'even = ends in \\\\',
    'unicode=\\u00e9',
    'empty',
    'twice=1',
    'twice=2',
    'odd\\q=\\z',
    'last=\\',
  ].join('\r\n')
  assert.deepEqual(Object.fromEntries(parseProperties(text)), {
    plain: 'value',
    spaced: 'value with blanks  ',
    colon: 'x',
    'key with=escapes': 'tab\tend',
    continued: 'one, two',
    even: 'ends in \\',
    unicode: 'é',
    empty: '',
    twice: '2',
    oddq: 'z',
    last: '',
  })
  assert.throws(() => parseProperties('a=\\u00g0'), { message: 'Malformed \\uxxxx encoding.' })
})

test('FileConfigProvider gives the values of a file, or those asked for', async () => {
  const provider = new FileConfigProvider()
  provider.configure({})
  assert.deepEqual(await provider.get(file), { data: { user: 'ann', password: 'pässword', long: 'ab' } })
  assert.deepEqual(await provider.get(file, new Set(['user', 'missing'])), { data: { user: 'ann' } })
  assert.deepEqual(await provider.get(''), { data: {} })
  await assert.rejects(provider.get(`${file}.missing`), { message: `Could not read properties from file ${file}.missing`, code: 'CONFIG' })
})

test('providers of files read below the allowed paths only', async () => {
  const allowed = join(folder, 'sub')
  const warnings: string[] = []
  const logger = { warn: (message: string) => warnings.push(message) } as never
  const provider = new FileConfigProvider()
  provider.configure({ 'allowed.paths': allowed }, logger)
  assert.deepEqual(await provider.get(file), { data: {} })
  assert.deepEqual(await provider.get(join(allowed, '..', 'secrets.properties')), { data: {} })
  assert.deepEqual(await provider.get(`${allowed}x`), { data: {} })
  assert.equal(warnings[0], `The path ${file} is not allowed to be accessed`)
  const directories = new DirectoryConfigProvider()
  directories.configure({ 'allowed.paths': allowed })
  assert.deepEqual(await directories.get(folder), { data: {} })
  assert.deepEqual(await directories.get(`${allowed}/`), { data: { token: 'line 1\nline 2\n' } })
  assert.throws(() => provider.configure({ 'allowed.paths': 'relative' }), { message: 'Path relative is not absolute' })
  assert.throws(() => provider.configure({ 'allowed.paths': '/does/not/exist' }), { message: 'Path /does/not/exist does not exist' })
})

test('DirectoryConfigProvider gives whole files by their names', async () => {
  const provider = new DirectoryConfigProvider()
  provider.configure({})
  assert.deepEqual(await provider.get(join(folder, 'sub')), { data: { token: 'line 1\nline 2\n' } })
  assert.deepEqual(await provider.get(join(folder, 'sub'), new Set(['other'])), { data: {} })
  assert.deepEqual(await provider.get(join(folder, 'missing')), { data: {} })
})

test('EnvVarConfigProvider gives the variables that match, and refuses paths', () => {
  const provider = new EnvVarConfigProvider({ A_USER: 'ann', B_USER: 'bob', UNSET: undefined })
  provider.configure({ 'allowlist.pattern': 'A_.*' })
  assert.deepEqual(provider.get(''), { data: { A_USER: 'ann' } })
  assert.deepEqual(provider.get('', new Set(['B_USER'])), { data: {} })
  provider.configure({})
  assert.deepEqual(provider.get(''), { data: { A_USER: 'ann', B_USER: 'bob' } })
  assert.throws(() => provider.get('x'), { message: "Path is not supported for EnvVarConfigProvider, invalid value 'x'" })
  assert.throws(() => provider.configure({ 'allowlist.pattern': '(' }), { code: 'CONFIG' })
})
