import { readFileSync } from 'node:fs'

/** Bytes that the Java client wrote; see `golden/README.md`. */
function golden<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../golden/${file}`, import.meta.url), 'utf8')) as T
}

export interface GoldenMessage {
  readonly api: string
  readonly side: 'request' | 'response'
  readonly version: number
  readonly bytes: string
  readonly value: unknown
}

export const goldenMessages = (): readonly GoldenMessage[] => golden('messages.json')

const wire = golden<Readonly<Record<string, string>>>('wire.json')

/** One of the entries of `wire.json`. */
export function goldenBytes(name: string): Buffer {
  const hex = wire[name]
  if (hex === undefined) throw new RangeError(`There are no golden bytes with the name "${name}".`)
  return Buffer.from(hex, 'hex')
}
