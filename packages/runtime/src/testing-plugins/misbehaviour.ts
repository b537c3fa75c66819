import { existsSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { RetriableError } from '@millrace/api'

/** Memory that a plug-in never gives back. */
const kept: unknown[] = []
const keptMap = new Map<number, unknown>()
const grown: number[] = []
let lastNumber = 0

/**
 * What a bad plug-in does in one call. `fifo`: a path that nobody writes to, for those that block in a native call, or whatever the misbehaviour says.
 * Leaks go on until the runtime ends them; each call leaks a few megabytes.
 */
export const misbehaviours: Readonly<Record<string, (fifo: string) => void | Promise<void>>> = {
  throw() {
    throw new Error('the external system is on fire')
  },
  /** Fails, as a network does, for as long as there is a file at this path. */
  away(path) {
    if (existsSync(path)) throw new RetriableError('the external system is away')
  },
  'throw-later'() {
    setTimeout(() => {
      throw new Error('thrown where nobody awaits')
    }, 1)
  },
  'reject-later'() {
    void Promise.resolve().then(() => {
      throw new Error('rejected where nobody awaits')
    })
  },
  hang() {
    for (;;) lastNumber++
  },
  async 'hang-later'() {
    await new Promise((resolve) => setTimeout(resolve, 1))
    for (;;) lastNumber++
  },
  'never-return': () => new Promise(() => {}),
  'open-fifo'(fifo) {
    openSync(fifo, 'r')
  },
  async 'flood-thread-pool'(fifo) {
    await Promise.all(Array.from({ length: 64 }, () => readFile(fifo)))
  },
  exit() {
    process.exit(3)
  },
  'leak-objects'() {
    for (let count = 0; count < 50_000; count++) kept.push({ number: lastNumber++, name: 'kept', list: [lastNumber] })
  },
  'leak-array'() {
    for (let count = 0; count < 500_000; count++) grown.push(lastNumber++ + 0.5)
  },
  'leak-map'() {
    for (let count = 0; count < 50_000; count++) keptMap.set(lastNumber++, { number: lastNumber })
  },
  'leak-json'() {
    const text = JSON.stringify(Array.from({ length: 1_000 }, (_, number) => ({ number, name: `name ${number}` })))
    for (let count = 0; count < 20; count++) kept.push(JSON.parse(text))
  },
  'leak-buffers'() {
    kept.push(Buffer.alloc(4 * 1024 * 1024, 1))
  },
}
