import { ConnectError, javaStringOf, type MaybePromise, type Properties, type SinkRecord, type SinkTask, type SinkTaskContext } from '@millrace/api'
import { sinkConfig } from './config.ts'
import { LineBuffer } from './line-buffer.ts'
import { AppendedFile, StandardOutput, type TextOutput } from './text-output.ts'

/** With more than this gathered, `put` waits for the disk. */
const PENDING_BYTES_MAX = 1024 * 1024

/**
 * Writes each value as Java's `String.valueOf` shows it, and `\n`. While one write is on its way to the disk, lines of the following batches gather for
 * the next; `flush` waits until the system has all of them. A failed write fails the task, where the original goes on silently.
 */
export class FileStreamSinkTask implements SinkTask {
  static readonly javaClass = 'org.apache.kafka.connect.file.FileStreamSinkTask'

  #output: TextOutput | null = null
  #name = 'standard output'
  /** Lines for the next write, and those of the write that is under way. */
  #gathered = new LineBuffer()
  #outgoing = new LineBuffer()
  /** Goes on until nothing is gathered; null where no write is under way. Never rejects. */
  #writing: Promise<void> | null = null
  #failure: ConnectError | null = null

  async start(properties: Properties, context: SinkTaskContext): Promise<void> {
    const { file } = sinkConfig.parse(properties)
    if (!file) {
      this.#output = new StandardOutput()
      return
    }
    this.#name = `file '${file}'`
    try {
      this.#output = await AppendedFile.open(file, context.signal)
    } catch (error) {
      throw new ConnectError(`Couldn't find or create file '${file}' for FileStreamSinkTask`, { cause: error })
    }
  }

  put(records: readonly SinkRecord[]): MaybePromise<void> {
    if (this.#failure !== null) throw this.#failure
    if (this.#output === null || records.length === 0) return
    for (const { value, valueSchema } of records) {
      this.#gathered.append(typeof value === 'string' ? value : javaStringOf(value, valueSchema))
    }
    this.#writing ??= this.#writeGathered(this.#output)
    if (this.#gathered.length > PENDING_BYTES_MAX) return this.flush()
  }

  async flush(): Promise<void> {
    await this.#writing
    if (this.#failure !== null) throw this.#failure
  }

  async stop(): Promise<void> {
    await this.#writing
    const output = this.#output
    this.#output = null
    await output?.close()
  }

  async #writeGathered(output: TextOutput): Promise<void> {
    try {
      while (this.#gathered.length > 0) {
        const lines = this.#gathered
        this.#gathered = this.#outgoing
        this.#outgoing = lines
        await output.write(lines.view())
        lines.clear()
      }
    } catch (error) {
      this.#failure = new ConnectError(`Could not write to ${this.#name}`, { cause: error })
    } finally {
      this.#writing = null
    }
  }
}
