import type { Properties } from '@millrace/kafka'

/** What a process that stands for a client is told about its lane, as JSON. */
export interface ClientScenario {
  readonly topic: string
  readonly partitions: number
  readonly valueBytes: number
  /** 1024 values, one behind the other. */
  readonly valuesFile: string
  /** Keys, two headers, and a callback for each record. */
  readonly isRich: boolean
  readonly codec: 'none' | 'lz4' | 'zstd'
  /** Of the client, Java's keys. */
  readonly properties: Properties
}
