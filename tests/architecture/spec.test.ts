import assert from 'node:assert/strict'
import { basename } from 'node:path'
import test from 'node:test'
import { read, repositoryFiles } from './sources.ts'

const sources = repositoryFiles('{packages,connectors}/*/src/**/*.ts').filter((file) => !file.endsWith('.test.ts'))

for (const spec of repositoryFiles('docs/spec/*.md')) {
  test(`every sentence of ${basename(spec)} is named where it is enforced, and no other is`, () => {
    const numbers = [...read(spec).matchAll(/^- \*\*([A-Z]\d+)\*\*/gm)].map(([, number]) => number)
    assert.equal(new Set(numbers).size, numbers.length, 'numbers are there once')
    const citation = new RegExp(`${basename(spec).replaceAll('.', '\\.')}, ((?:[A-Z]\\d+(?: and )?)+)`, 'g')
    const named = sources.flatMap((file) => [...read(file).matchAll(citation)].flatMap(([, all = '']) => all.match(/[A-Z]\d+/g) ?? []))
    assert.deepEqual([...new Set(named)].sort(), numbers.toSorted())
  })
}
