import assert from 'node:assert/strict'
import test from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { type ProxiedBroker, runRandomFaults } from './random-faults-run.ts'

const DURATION_MS = 30_000

/** Half a minute of random faults; ten minutes: `node tests/system/random-faults.ts`. */
export function randomFaultsSuite(under: ProxiedBroker, { skip }: { readonly skip: string | false }): void {
  test(`random faults of the network before ${under.name} lose, double and reorder nothing, by seed`, { skip }, async (t) => {
    const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
    t.diagnostic(`MILLRACE_SEED=${seed}`)
    const { violations, ...result } = await runRandomFaults({ under, folder: temporaryFolder(t), seed, durationMs: DURATION_MS })
    t.diagnostic(JSON.stringify(result))
    assert.deepEqual(violations, [], `MILLRACE_SEED=${seed}`)
    assert.ok(result.records > 500 && result.transactions > 10, JSON.stringify(result))
  })
}
