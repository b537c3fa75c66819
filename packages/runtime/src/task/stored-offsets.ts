import type { OffsetStorageReader, SourceOffset, SourcePartition } from '@millrace/api'
import { ConnectError, type Logger } from '@millrace/api'
import { decodeOffsetValue, offsetKey, offsetValue } from '../storage/offset-encoding.ts'
import type { ReadOffsets, WriteOffsets } from '../thread/messages.ts'
import type { OffsetWriter } from './offset-writer.ts'
import type { CommittableOffset } from './submitted-records.ts'

/** Asks the main thread, where the offset store is. */
export type OffsetRequest = <T>(make: (request: number) => ReadOffsets | WriteOffsets) => Promise<T>

/** The offsets of one connector, as its tasks and the connector itself reach them from their threads. */
export class StoredOffsets implements OffsetStorageReader, OffsetWriter {
  readonly #connector: string
  readonly #request: OffsetRequest
  readonly #logger: Logger
  #isClosed = false

  constructor(connector: string, request: OffsetRequest, logger: Logger) {
    this.#connector = connector
    this.#request = request
    this.#logger = logger
  }

  async offset(partition: SourcePartition): Promise<SourceOffset | null> {
    const [offset = null] = await this.offsets([partition])
    return offset
  }

  async offsets(partitions: readonly SourcePartition[]): Promise<readonly (SourceOffset | null)[]> {
    if (this.#isClosed)
      throw new ConnectError(
        'Offset reader closed while attempting to read offsets. This is likely because the task was been scheduled to stop but has taken longer than the graceful shutdown period to do so.',
      )
    const keys = partitions.map((partition) => offsetKey(this.#connector, partition))
    const values = await this.#request<readonly (Uint8Array | null)[]>((request) => ({ type: 'read-offsets', request, connector: this.#connector, keys }))
    return partitions.map((_, index) => this.#decoded(values[index] ?? null))
  }

  async write(offsets: readonly CommittableOffset[]): Promise<void> {
    const entries = offsets.map(({ partition, offset }) => ({
      key: offsetKey(this.#connector, partition),
      value: offset === null ? null : offsetValue(offset),
    }))
    await this.#request<null>((request) => ({ type: 'write-offsets', request, connector: this.#connector, entries }))
  }

  /** Reads fail from now on: the task was given up. */
  close(): void {
    this.#isClosed = true
  }

  /** What cannot be read is as if it were missing, but said loudly: the source will begin anew. */
  #decoded(value: Uint8Array | null): SourceOffset | null {
    if (value === null) return null
    try {
      return decodeOffsetValue(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
    } catch (error) {
      this.#logger.error(
        'CRITICAL: Failed to deserialize offset data when getting offsets for task. No value for this data will be returned, which may break the task or cause it to skip some data.',
        error,
      )
      return null
    }
  }
}
