import { appendFileSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigDef, DataError, type Properties, RetriableError } from '@millrace/api'

/** What goes wrong. `down-…`: whatever stands behind the plug-in cannot be reached for that long; milliseconds are in `fault.down.ms`, none: for ever. */
export type FaultKind = 'retriable' | 'data' | 'bug' | 'hang' | 'memory' | 'down'

/** The call in which it goes wrong. */
export type FaultStage = 'converter' | 'transform' | 'put' | 'poll' | 'start' | 'stop' | 'commit'

/** The record that data errors and bugs are about, where the call has records. */
export const POISON = '5'

/** A retriable error is thrown this often before the call succeeds. */
const RETRIABLE_COUNT = 2

/** Memory that is never given back. */
const kept: Buffer[] = []
const LEAK_BYTES = 4 * 1024 * 1024

/** The keys of every plug-in of this folder. */
export function faultConfig(): ConfigDef {
  const text = (documentation: string) => ({ type: 'STRING' as const, default: '', importance: 'HIGH' as const, documentation })
  return new ConfigDef()
    .define('fault.stage', text('The call in which it goes wrong.'))
    .define('fault.kind', text('What goes wrong.'))
    .define('fault.down.ms', text('How long what stands behind the plug-in is down. Milliseconds; empty for ever.'))
    .define('fault.file', text('Remembers over restarts of the task when the fault happened: a line of milliseconds each.'))
}

/** The fault of one plug-in instance, as its properties say. */
export class Fault {
  readonly #properties: Properties

  constructor(properties: Properties) {
    this.#properties = properties
  }

  /** Does what goes wrong where this is the call for it. @param values of the records that the call is about; null where it is about none. */
  at(stage: FaultStage, values: readonly unknown[] | null = null): void | Promise<void> {
    if (this.#properties['fault.stage'] !== stage) return
    const isPoisoned = values === null || values.some((value) => String(value) === POISON)
    switch (this.#properties['fault.kind'] as FaultKind) {
      case 'retriable':
        if (isPoisoned && this.#happened() < RETRIABLE_COUNT) throw this.#unreachable('busy, try again')
        return
      case 'data':
        if (isPoisoned) throw new DataError('Field "amount" is not a number')
        return
      case 'bug':
        if (isPoisoned) (undefined as unknown as { write(): void }).write()
        return
      case 'hang':
        return isPoisoned ? new Promise<never>(() => {}) : undefined
      case 'memory':
        return isPoisoned ? leak() : undefined
      case 'down':
        if (isPoisoned && this.#isDown()) throw this.#unreachable('connect ECONNREFUSED 192.0.2.1:5432')
        return
    }
  }

  #unreachable(message: string): Error {
    appendFileSync(this.#properties['fault.file']!, `${Date.now()}\n`)
    return new RetriableError('The target cannot be reached', { cause: Object.assign(new Error(message), { code: 'ECONNREFUSED' }) })
  }

  #isDown(): boolean {
    const downMs = this.#properties['fault.down.ms'] ?? ''
    const [firstMs] = this.#moments()
    return downMs === '' || firstMs === undefined || Date.now() - firstMs < Number(downMs)
  }

  #happened(): number {
    return this.#moments().length
  }

  #moments(): number[] {
    try {
      return readFileSync(this.#properties['fault.file']!, 'utf8').trimEnd().split('\n').map(Number)
    } catch {
      return []
    }
  }
}

async function leak(): Promise<never> {
  for (;;) {
    kept.push(Buffer.alloc(LEAK_BYTES, 1))
    await delay(2)
  }
}
