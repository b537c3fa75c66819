import { ConnectError, javaStringOf, type MaybePromise, type Properties, type SinkRecord, type SinkTask, type SinkTaskContext } from '@millrace/api'
import { sinkConfig } from './config.ts'
import { AppendedFile, StandardOutput, type TextOutput } from './text-output.ts'

/** Text beyond this waits for the disk before `put` returns. UTF-16 units. */
const PENDING_TEXT_MAX = 4 * 1024 * 1024

/**
 * Writes each value as Java's `String.valueOf` shows it, and `\n`. While one write is on its way to the disk, text of the following batches gathers for
 * the next; `flush` waits until the system has all of it. A failed write fails the task, where the original goes on silently.
 */
export class FileStreamSinkTask implements SinkTask {
  static readonly javaClass = 'org.apache.kafka.connect.file.FileStreamSinkTask'

  #output: TextOutput | null = null
  #pending: string[] = []
  #pendingLength = 0
  /** Writes until nothing is pending; null where none is under way. Never rejects. */
  #writing: Promise<void> | null = null
  #failure: ConnectError | null = null
  #name = 'standard output'

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
    if (records.length === 0) return
    const text = linesOf(records)
    this.#pending.push(text)
    this.#pendingLength += text.length
    this.#writing ??= this.#writePending()
    if (this.#pendingLength > PENDING_TEXT_MAX) return this.flush()
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

  async #writePending(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const text = this.#pending.join('')
        this.#pending = []
        this.#pendingLength = 0
        await this.#output?.write(text)
      }
    } catch (error) {
      this.#failure = new ConnectError(`Could not write to ${this.#name}`, { cause: error })
    } finally {
      this.#writing = null
    }
  }
}

/** One text for all records: a write per batch, and no work per record beyond putting values in a row. */
function linesOf(records: readonly SinkRecord[]): string {
  let text = ''
  for (const { value, valueSchema } of records) text += `${typeof value === 'string' ? value : javaStringOf(value, valueSchema)}\n`
  return text
}
