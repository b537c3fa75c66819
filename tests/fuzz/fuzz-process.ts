// One kind of fuzzing in a process of its own, which run.ts watches: node fuzz-process.ts TARGET INPUTS SEED.
// Prints how many inputs are through, now and then, with the most memory that it has taken; and at the end, that it is done.

import { fuzzBrokerPort } from './broker-port.ts'
import { fuzzDecoders } from './decoders.ts'
import { fuzzClient } from './lying-broker.ts'

const targets: Readonly<Record<string, (inputs: number, seed: number, progress: (inputs: number) => void) => void | Promise<void>>> = {
  decoders: fuzzDecoders,
  broker: fuzzBrokerPort,
  client: fuzzClient,
}

const [target = '', inputs, seed] = process.argv.slice(2)
const fuzz = targets[target]
if (!fuzz) throw new RangeError(`There is nothing to fuzz with the name "${target}".`)

let total = 0
let printedAt = 0
function progress(inputs: number): void {
  total += inputs
  if (performance.now() - printedAt < 250) return
  printedAt = performance.now()
  print('progress')
}

function print(kind: 'progress' | 'done'): void {
  process.stdout.write(`${JSON.stringify({ kind, inputs: total, rssMiB: Math.round(process.resourceUsage().maxRSS / 1024) })}\n`)
}

await fuzz(Number(inputs), Number(seed), progress)
print('done')
