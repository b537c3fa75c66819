import type { SourceRecord, SourceTaskContext } from '@millrace/api'
import { FileStreamSourceTask } from './source-task.ts'

/** Prints the first two lines of the standard input as the task sees them. */
const stopping = new AbortController()
const task = new FileStreamSourceTask()
// Without a file, the task asks its context for nothing but the signal.
task.start({ topic: 'lines' }, { signal: stopping.signal } as SourceTaskContext)
const records: SourceRecord[] = []
while (records.length < 2) records.push(...((await task.poll()) ?? []))
process.stdout.write(JSON.stringify(records.map(({ value, sourcePartition, sourceOffset }) => [value, sourcePartition, sourceOffset])))
stopping.abort()
await task.stop()
