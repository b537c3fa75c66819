// The harm of chaos.test.ts for longer.
//
//   node tests/system/chaos.ts                               ten minutes with each broker
//   node tests/system/chaos.ts --minutes 60 --broker embedded
//   node tests/system/chaos.ts --seed 7                      the same harm again
//
// The real Kafka is fetched by `npm run test:servers`.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { apacheKafka, embedded } from './chaos-cluster.ts'
import { runChaos } from './chaos-run.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' }, broker: { type: 'string' } },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const brokers = { embedded, kafka: apacheKafka } as const
const wanted = Object.entries(brokers).filter(([name]) => values.broker === undefined || values.broker === name)
if (wanted.length === 0) throw new RangeError(`--broker is "embedded" or "kafka", not "${values.broker}".`)

for (const [, under] of wanted) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-chaos-'))
  try {
    console.log(`${under.name}, seed ${seed}, ${values.minutes} minutes`)
    const { violations, ...result } = await runChaos({ under, folder, seed, durationMs: Number(values.minutes) * 60_000 })
    console.log(JSON.stringify(result, null, 2))
    for (const violation of violations) console.log(`VIOLATION: ${violation}`)
    if (violations.length > 0) process.exitCode = 1
    else console.log('no line lost, everything runs once')
  } finally {
    if (process.exitCode !== 1) rmSync(folder, { recursive: true, force: true })
    else console.log(`kept: ${folder}`)
  }
}
