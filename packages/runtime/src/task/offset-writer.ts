import type { CommittableOffset } from './submitted-records.ts'

/** Makes offsets of one connector durable. On the main thread's side is the offset store. */
export interface OffsetWriter {
  /** Resolves when all are durable. */
  write(offsets: readonly CommittableOffset[]): Promise<void>
}
