import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { startWorker } from '../system/millrace-process.ts'
import { comparable, type Exchange, exchangeName, recordedExchanges, replay } from './recorded-exchanges.ts'
import { distributedDifferences, type Difference, standaloneDifferences } from './rest-differences.ts'

const RECORDINGS = [
  {
    file: 'golden-rest-standalone.json',
    input: 'one\ntwo\nthree\n',
    converter: 'org.apache.kafka.connect.storage.StringConverter',
    differences: standaloneDifferences,
  },
  { file: 'golden-rest.json', input: 'a\nb\nc\n', converter: 'org.apache.kafka.connect.json.JsonConverter', differences: distributedDifferences },
] as const

interface Recording {
  readonly file: (typeof RECORDINGS)[number]['file']
  /** The file that the source connectors of the recording read. */
  readonly input: string
  /** Of the worker, for keys and values. */
  readonly converter: string
  readonly differences: Readonly<Record<string, Difference>>
}

for (const { file, input, converter, differences } of RECORDINGS as readonly Recording[]) {
  test(`a worker answers as Kafka Connect 4.3.1 did (${file})`, { timeout: 180_000 }, async (t) => {
    const exchanges = recordedExchanges(file)
    assertNamed(differences, exchanges)
    const url = await workerWithInput(t, input, converter)
    for (const [index, exchange] of exchanges.entries()) {
      const name = exchangeName(exchange, index)
      await t.test(name, () => compare(localised(exchange), differences[name], url))
    }
  })
}

/** Every difference belongs to an exchange, so that none outlives what it explains. */
function assertNamed(differences: Readonly<Record<string, Difference>>, exchanges: readonly Exchange[]): void {
  const names = exchanges.map(exchangeName)
  assert.deepEqual(
    Object.keys(differences).filter((name) => !names.includes(name)),
    [],
  )
}

async function workerWithInput(t: TestContext, input: string, converter: string): Promise<string> {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'data', 'in.txt'), input)
  const worker = await startWorker({
    folder,
    bootstrapServers: 'embedded',
    properties: { 'offset.flush.interval.ms': '200', 'key.converter': converter, 'value.converter': converter },
  })
  t.after(() => worker.killAtOnce())
  return worker.url
}

/**
 * The recordings name files below `/data/`. Ours are below the folder that the worker runs in: a path of the same length, since messages tell
 * columns.
 */
function localised(exchange: Exchange): Exchange {
  return JSON.parse(JSON.stringify(exchange).replaceAll('/data/', 'data//')) as Exchange
}

/** Reads are repeated until they answer as recorded, since what they show takes a moment; changes are made once, when all is quiet. */
async function compare(exchange: Exchange, difference: Difference | undefined, url: string): Promise<void> {
  const origin = new URL(url).host
  const recorded = comparable(exchange, origin)
  const expected = difference === undefined ? recorded : { ...recorded, ...difference.ours(recorded) }
  const isRead = exchange.request.method === 'GET'
  if (!isRead) await untilQuiet(url)
  let answer = comparable(await replay(exchange, url), origin)
  if (isRead) {
    await waitFor(
      async () => {
        answer = comparable(await replay(exchange, url), origin)
        return isDeepStrictEqual(answer, expected)
      },
      { what: 'the recorded answer', deadlineMs: 8_000 },
    ).catch(() => undefined)
  }
  assert.deepEqual(answer, expected, difference?.reason)
}

async function untilQuiet(url: string): Promise<void> {
  await waitFor(
    async () => {
      const text = await (await fetch(`${url}/connectors?expand=status`)).text()
      return !/"state":"(UNASSIGNED|RESTARTING)"/.test(text)
    },
    { what: 'all connectors and tasks to be settled', deadlineMs: 20_000 },
  )
}
