import test from 'node:test'
import { fuzz, fuzzTargets } from './fuzzing.ts'

/* 20,000 inputs; a million: node tests/fuzz/run.ts. */

const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))

const claims = {
  decoders: 'mutated bytes are read or refused by every decoder, and by every codec',
  broker: 'the embedded broker bears mutated bytes and goes on serving others',
  client: 'the client bears a broker that answers with mutated bytes',
} as const

for (const target of fuzzTargets) {
  test(claims[target], async (t) => {
    t.diagnostic(`MILLRACE_SEED=${seed}`)
    const { inputs, rssMiB } = await fuzz({ target, inputs: 20_000, seed })
    t.diagnostic(`${inputs} inputs, at most ${rssMiB} MiB`)
  })
}
