import assert from 'node:assert/strict'
import test from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import type { ChaosBroker } from './chaos-cluster.ts'
import { runChaos } from './chaos-run.ts'

const DURATION_MS = 20_000

/** Twenty seconds of harm; longer: `node tests/system/chaos.ts`. */
export function chaosSuite(under: ChaosBroker, { skip }: { readonly skip: string | false }): void {
  test(`workers on ${under.name} that are killed, frozen and cut off lose no line, and settle to run everything once, by seed`, { skip }, async (t) => {
    const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
    t.diagnostic(`MILLRACE_SEED=${seed}`)
    const { violations, ...result } = await runChaos({ under, folder: temporaryFolder(t), seed, durationMs: DURATION_MS })
    t.diagnostic(JSON.stringify(result))
    assert.deepEqual(violations, [], `MILLRACE_SEED=${seed}`)
  })
}
