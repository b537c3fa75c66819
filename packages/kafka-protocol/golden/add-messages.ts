import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import fc from 'fast-check'
import { type ApiName, apis } from '../src/apis.ts'
import type { Fields, Message } from '../src/fields.ts'
import { goldenMessages } from '../src/golden.test-data.ts'
import { valuesOf } from '../src/random.test-data.ts'

/*
 * node add-messages.ts LIBS: for every message and version that `messages.json` lacks, draws a value and lets the Java client write it.
 * LIBS is a folder with the jars of Apache Kafka, such as `.cache/peer/libs`.
 */
const [libs] = process.argv.slice(2)
if (!libs) throw new Error('The folder with the jars of Apache Kafka is missing.')

/** Where the Java client wants a fraction, it takes no whole number. */
const WHOLE_QUOTA = /"value":-?\d+[,}]/
const JSON_LENGTH_WANTED = 600

const file = new URL('messages.json', import.meta.url)
const known = new Set(goldenMessages().map(({ api, side, version }) => `${api} ${side} ${version}`))
const wanted = (Object.keys(apis) as ApiName[]).flatMap((api) =>
  (['request', 'response'] as const).flatMap((side) => {
    const message = apis[api][side] as unknown as Message<Fields>
    const { min, max } = message.versions
    const versions = Array.from({ length: max - min + 1 }, (_, i) => min + i).filter((version) => !known.has(`${api} ${side} ${version}`))
    return versions.map((version) => ({ api, side, version, value: richestOf(message, version) }))
  }),
)
const input = wanted.map((message) => JSON.stringify(message)).join('\n')
const program = new URL('GoldenMessages.java', import.meta.url).pathname
const lines = execFileSync('java', ['-cp', join(libs, '*') + delimiter, program], { input, encoding: 'utf8' })
  .trim()
  .split('\n')
const added = wanted.map(({ api, side, version, value }, i) => `,\n${JSON.stringify({ api, side, version, bytes: lines[i], value })}`)
const before = readFileSync(file, 'utf8')
  .trimEnd()
  .replace(/\n?\]$/, '')
writeFileSync(file, `${before}${added.join('')}\n]\n`)
console.log(`${added.length} messages were added.`)

/** Of some random values the one with most in it; in the form of the Java client's JSON, where bytes are base64. */
function richestOf(message: Message<Fields>, version: number): unknown {
  const candidates = fc
    .sample(valuesOf(message, version), 200)
    .map((value) => JSON.stringify(value, replacer))
    .filter((json) => !WHOLE_QUOTA.test(json))
  const short = candidates.filter(({ length }) => length < JSON_LENGTH_WANTED)
  return JSON.parse((short.length > 0 ? short : candidates).reduce((best, other) => (fieldsIn(other) > fieldsIn(best) ? other : best)))
}

function fieldsIn(json: string): number {
  return json.split('":').length
}

function replacer(this: unknown, _name: string, value: unknown): unknown {
  // What JSON makes of a Buffer before a replacer sees it.
  if (typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value) {
    return Buffer.from(value.data as number[]).toString('base64')
  }
  // Characters beyond the Unicode range of a whole text are not kept by every JSON reader.
  return typeof value === 'string' ? value.toWellFormed() : value
}
