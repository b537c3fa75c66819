// Fuzzes the decoders, the embedded broker's port and the client.
//
//   node tests/fuzz/run.ts                         a million inputs
//   node tests/fuzz/run.ts --inputs 50000          so many
//   node tests/fuzz/run.ts --target broker --seed 7
//
// A failure prints the seed; with it the run is the same again, as far as the order in which sockets are served allows.

import { parseArgs } from 'node:util'
import { type FuzzTarget, fuzz, fuzzTargets } from './fuzzing.ts'

const { values } = parseArgs({
  options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string' }, target: { type: 'string' } },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
console.log(`seed ${seed}`)
const targets = values.target === undefined ? fuzzTargets : [values.target as FuzzTarget]
let total = 0
for (const target of targets) {
  const { inputs, rssMiB, durationMs } = await fuzz({ target, inputs: Number(values.inputs), seed })
  total += inputs
  console.log(`${target}: ${inputs} inputs in ${(durationMs / 1000).toFixed(1)} s, at most ${rssMiB} MiB of memory`)
}
console.log(`${total} inputs: refused or read, and nothing else`)
