import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { firstDifference, inspectTextFile, writeRealText } from './text-file.ts'

test('a text with line feeds arrives unchanged, and every difference is found', async (t) => {
  const folder = temporaryFolder(t)
  const [original, copy] = [join(folder, 'a'), join(folder, 'b')]
  writeFileSync(original, 'one\n\nZürich\n')
  const file = await inspectTextFile(original)
  assert.deepEqual({ ...file, path: '' }, { path: '', lines: 3, copyBytes: 13, peculiarities: [] })
  for (const [text, expected] of [
    ['one\n\nZürich\n', null],
    ['one\n\nZürich', 'the copy ends at byte 12'],
    ['one\n\nZürich\nx', 'the copy goes on after byte 13'],
    ['one\n Zürich\n', 'they differ at byte 4'],
  ] as const) {
    writeFileSync(copy, text)
    assert.equal(await firstDifference(file, copy), expected)
  }
})

test('a text that cannot arrive unchanged is recognised, and compared line by line', async (t) => {
  const folder = temporaryFolder(t)
  const [original, copy] = [join(folder, 'a'), join(folder, 'b')]
  writeFileSync(original, Buffer.concat([Buffer.from('windows\r\nmac\r\r\nbyte '), Buffer.from([0xff]), Buffer.from('\nheld')]))
  const file = await inspectTextFile(original)
  assert.equal(file.lines, 4)
  assert.deepEqual(
    file.peculiarities.map((text) => text.split(' ').slice(0, 4).join(' ')),
    ['it has carriage returns,', 'its last line has', 'it is not UTF-8:'],
  )
  writeFileSync(copy, 'windows\nmac\n\nbyte �\n')
  assert.equal(await firstDifference(file, copy), null)
  assert.equal(readFileSync(copy).length, file.copyBytes)
})

test('the text that is made is real, long enough and arrives unchanged', async (t) => {
  const path = join(temporaryFolder(t), 'text')
  await writeRealText(path, join(import.meta.dirname, '..', '..'), 3000)
  const file = await inspectTextFile(path)
  assert.ok(file.lines >= 3000)
  assert.deepEqual(file.peculiarities, [])
})
