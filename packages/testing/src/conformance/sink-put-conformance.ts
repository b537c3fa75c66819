import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isRetriable, putFailuresOf, type SinkRecord, type SinkTask } from '@millrace/api'
import type { Awaitable } from '../awaitable.ts'

/** A sink with a destination of its own. */
export interface StartedSink {
  /** Started, with its partitions open. */
  readonly task: SinkTask
  /** What the destination has, after whatever the task does to make it durable: for each record that was written its text. In any order. */
  written(): Awaitable<readonly string[]>
  stop(): Awaitable<void>
}

export interface SinkPutConformanceOptions {
  /** With an empty destination each time. */
  start(): Awaitable<StartedSink>
  /** A record that the destination takes; `number` tells it from others. */
  good(number: number): SinkRecord
  /** A record that the destination refuses. */
  bad(number: number): SinkRecord
  /** What `written` tells of a good record. */
  textOf(record: SinkRecord): string
}

/**
 * What the runtime relies on when `put` fails (`SinkTask.delivery`, `PartialPutError`): each sink that says something of its failed batches registers for it.
 */
export function sinkPutConformance(name: string, { start, good, bad, textOf }: SinkPutConformanceOptions): void {
  const during = async (use: (sink: StartedSink) => Promise<void>): Promise<void> => {
    const sink = await start()
    try {
      await use(sink)
    } finally {
      await sink.stop()
    }
  }
  const put = async ({ task }: StartedSink, records: readonly SinkRecord[]): Promise<unknown> => {
    try {
      await task.put(records)
      return null
    } catch (error) {
      assert.equal(isRetriable(error), false, 'a record that can never be written is no reason to try again')
      return error
    }
  }
  const writtenBy = async (sink: StartedSink) => [...new Set(await sink.written())].sort()
  const textsOf = (records: readonly SinkRecord[]) => records.map(textOf).sort()

  describe(`put of ${name}`, () => {
    it('says something of a batch that it refuses', () =>
      during(async (sink) => {
        const error = await put(sink, [good(1), bad(2), good(3)])
        assert.ok(error !== null, 'it refuses a record that its destination does not take')
        assert.ok(sink.task.delivery !== undefined || putFailuresOf(error) !== null)
      }))

    it('writes a batch without bad records, and takes an empty one', () =>
      during(async (sink) => {
        const records = [good(1), good(2), good(3)]
        assert.deepEqual([await put(sink, records), await put(sink, [])], [null, null])
        assert.deepEqual(await writtenBy(sink), textsOf(records))
      }))

    it('names those and only those that it could not write, where it names some', () =>
      during(async (sink) => {
        const records = [good(1), bad(2), good(3), bad(4)]
        const failures = putFailuresOf(await put(sink, records))
        if (failures === null) return
        assert.deepEqual(failures.map(({ index }) => index).sort(), [1, 3])
        assert.deepEqual(await writtenBy(sink), textsOf([records[0]!, records[2]!]))
      }))

    it('writes nothing of a batch that fails, where it is transactional', () =>
      during(async (sink) => {
        if (sink.task.delivery !== 'transactional') return
        const error = await put(sink, [good(1), bad(2), good(3)])
        assert.equal(putFailuresOf(error), null)
        assert.deepEqual(await writtenBy(sink), [])
      }))

    it('does no harm when the parts of a failed batch are put again', () =>
      during(async (sink) => {
        const records = [good(1), bad(2), good(3)]
        const error = await put(sink, records)
        if (putFailuresOf(error) !== null) return
        assert.equal(await put(sink, [good(1)]), null, 'a failure is of its own batch, not of the next one')
        assert.notEqual(await put(sink, [bad(2)]), null, 'it fails alone as well')
        assert.equal(await put(sink, [good(3)]), null)
        const written = await sink.written()
        assert.deepEqual([...written].sort(), textsOf([records[0]!, records[2]!]), 'each record is there once')
      }))
  })
}
