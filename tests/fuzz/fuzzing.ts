import { join } from 'node:path'
import { startGuardedProcess } from '@millrace/testing'

/** What is fuzzed, and its share of the inputs: what goes through sockets takes more time. */
const shares = { decoders: 0.89, broker: 0.1, client: 0.01 } as const
export type FuzzTarget = keyof typeof shares
export const fuzzTargets = Object.keys(shares) as readonly FuzzTarget[]

/** Without any progress for so long, the process hangs. */
const HANG_MS = 60_000
/** Far more than any of it takes in order; bytes that claim to be gigabytes must not get there. */
const RSS_MIB_MAX = 700
const LOOK_INTERVAL_MS = 200

export interface FuzzResult {
  readonly inputs: number
  /** The most memory that the process has taken. */
  readonly rssMiB: number
  readonly durationMs: number
}

export interface FuzzOptions {
  readonly target: FuzzTarget
  /** For all targets together; this one has its share of them. */
  readonly inputs: number
  /** Repeats a run. */
  readonly seed: number
  readonly progress?: (result: FuzzResult) => void
}

/**
 * Fuzzes one target in a process of its own.
 *
 * @throws Error where it fails, ends, hangs or takes too much memory, with what it printed: among that fast-check's seed, path and input.
 */
export async function fuzz({ target, inputs, seed, progress }: FuzzOptions): Promise<FuzzResult> {
  const startedAt = performance.now()
  const share = Math.ceil(inputs * shares[target])
  const args = ['--max-old-space-size=384', join(import.meta.dirname, 'fuzz-process.ts'), target, String(share), String(seed)]
  const program = await startGuardedProcess({ command: process.execPath, args })
  const describe = (what: string) => new Error(`Fuzzing of "${target}" with seed ${seed} ${what}. Its output ended with:\n${program.output.slice(-6000)}`)
  let last: FuzzResult = { inputs: -1, rssMiB: 0, durationMs: 0 }
  let changedAt = performance.now()
  try {
    for (;;) {
      const hasExited = await Promise.race([program.exited.then(() => true), after(LOOK_INTERVAL_MS)])
      const line = lastLine(program.output)
      if (line && line.inputs !== last.inputs) {
        last = { inputs: line.inputs, rssMiB: line.rssMiB, durationMs: performance.now() - startedAt }
        changedAt = performance.now()
        progress?.(last)
      }
      if (last.rssMiB > RSS_MIB_MAX) throw describe(`has taken ${last.rssMiB} MiB`)
      if (hasExited) {
        if (program.exit?.code === 0 && line?.kind === 'done') return last
        throw describe(`ended with exit code ${program.exit?.code}`)
      }
      if (performance.now() - changedAt > HANG_MS) throw describe(`has not moved for ${HANG_MS} ms, after ${last.inputs} inputs`)
    }
  } finally {
    await program.killAtOnce()
  }
}

function after(delayMs: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), delayMs)
  })
}

function lastLine(output: string): { readonly kind: 'progress' | 'done'; readonly inputs: number; readonly rssMiB: number } | null {
  const lines = output.split('\n').slice(0, -1)
  const line = lines.findLast((each) => each.startsWith('{"kind":'))
  return line === undefined ? null : JSON.parse(line)
}
