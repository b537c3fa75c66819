import { setTimeout as delay } from 'node:timers/promises'
import {
  ConnectError,
  type Properties,
  Schemas,
  type SourceOffset,
  type SourcePartition,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from '@millrace/api'
import type { ByteSource } from './byte-source.ts'
import { sourceConfig } from './config.ts'
import { watchFile } from './file-watch.ts'
import { codeOf, FollowedFile } from './followed-file.ts'
import { LineReader } from './line-reader.ts'
import { atNextLook, REST_LOOK_MS } from './next-look.ts'
import { openStandardInput } from './standard-input.ts'

/** A poll without data returns after this long, so that the task can be paused. */
const POLL_MS_MAX = 1000
/** However large `batch.size` is: a poll that returned a whole file would hold all of it in memory. */
const BATCH_RECORDS_MAX = 10_000
/** How long to wait before asking again for data, from the first time in a row to the last: a file at rest costs next to nothing, and the original waits as long. */
const RETRY_DELAY_MS_MIN = 10
const RETRY_DELAY_MS_MAX = REST_LOOK_MS

/**
 * Reads lines from a file, follows it as it grows, and waits for one that does not exist yet.
 * Partition `{"filename": …}`, offset `{"position": …}`: the byte after the line. The standard input has neither.
 */
export class FileStreamSourceTask implements SourceTask {
  static readonly javaClass = 'org.apache.kafka.connect.file.FileStreamSourceTask'

  #context!: SourceTaskContext
  #file: string | null = null
  #topic = ''
  #batchRecordsMax = 0
  #partition: SourcePartition | null = null
  #source: ByteSource | null = null
  #lines = new LineReader(0)
  /** The last line of a file that was truncated or replaced; it goes out before those of the new one. */
  #unfinishedLine: string | null = null
  #isMissingLogged = false
  #retryDelayMs = RETRY_DELAY_MS_MIN
  #endWait = (): void => {}

  start(properties: Properties, context: SourceTaskContext): void {
    const config = sourceConfig.parse(properties)
    this.#context = context
    // Once: a listener for each wait would cost more than the rest of a look.
    context.signal.addEventListener('abort', () => this.#endWait(), { once: true })
    this.#file = config.file || null
    this.#topic = config.topic
    // The original returns a batch once it has reached its size, so that a size below one works like one.
    this.#batchRecordsMax = Math.min(Math.max(1, config['batch.size']), BATCH_RECORDS_MAX)
    this.#partition = this.#file === null ? null : { filename: this.#file }
  }

  async poll(): Promise<readonly SourceRecord[] | null> {
    const records: SourceRecord[] = []
    const deadline = performance.now() + POLL_MS_MAX
    while (records.length < this.#batchRecordsMax && !this.#context.signal.aborted) {
      this.#takeLines(records)
      if (records.length === this.#batchRecordsMax || (await this.#fill())) continue
      if (records.length > 0) break
      const isAtRest = await this.#waitForData()
      // The next poll begins with a look: another one here would be one too many.
      if (isAtRest || performance.now() >= deadline) return null
    }
    return records
  }

  async stop(): Promise<void> {
    const source = this.#source
    this.#source = null
    await source?.close()
  }

  /** Makes records of the lines that are there, up to the size of a batch. */
  #takeLines(records: SourceRecord[]): void {
    const timestamp = Date.now()
    const lines = this.#lines
    const partition = this.#partition
    const topic = this.#topic
    if (this.#unfinishedLine !== null) {
      records.push(lineRecord(topic, this.#unfinishedLine, timestamp, partition, this.#offset()))
      this.#unfinishedLine = null
    }
    while (records.length < this.#batchRecordsMax) {
      const line = lines.next()
      if (line === null) break
      records.push(lineRecord(topic, line, timestamp, partition, partition === null ? null : { position: lines.position }))
    }
  }

  #offset(): SourceOffset | null {
    return this.#partition === null ? null : { position: this.#lines.position }
  }

  /** @returns whether there are more bytes to look at. */
  async #fill(): Promise<boolean> {
    this.#source ??= await this.#open()
    const bytes = (await this.#source?.read()) ?? null
    if (bytes !== null) {
      this.#lines.feed(bytes)
      this.#retryDelayMs = RETRY_DELAY_MS_MIN
      return true
    }
    return this.#source !== null && (await this.#startAnew(this.#source))
  }

  async #open(): Promise<ByteSource | null> {
    if (this.#file === null) return openStandardInput()
    try {
      const position = await this.#storedPosition(this.#file)
      const { logger } = this.#context
      const source = await FollowedFile.open(this.#file, position, { watch: (path) => watchFile(path, logger) })
      this.#lines = new LineReader(position)
      logger.debug(`Opened ${this.#file} for reading at position ${position}`)
      return source
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error instanceof ConnectError ? error : new ConnectError(`Could not open file "${this.#file}"`, { cause: error })
      this.#logMissing()
      return null
    }
  }

  async #storedPosition(filename: string): Promise<number> {
    const offset = await this.#context.offsetStorageReader.offset({ filename })
    const position = offset?.position ?? 0
    if (typeof position !== 'number' || !Number.isSafeInteger(position)) throw new ConnectError('Offset position is the incorrect type')
    return Math.max(0, position)
  }

  #logMissing(): void {
    if (this.#isMissingLogged) return
    this.#isMissingLogged = true
    this.#context.logger.warn(`Couldn't find file ${this.#file} for FileStreamSourceTask, sleeping to wait for it to be created`)
  }

  async #startAnew(source: ByteSource): Promise<boolean> {
    const restart = await source.restart()
    if (restart === null) return false
    this.#unfinishedLine = this.#lines.takeRest(0)
    const rest = this.#unfinishedLine === null ? '' : ' Its last line had no end; it is taken as it was.'
    this.#context.logger.warn(`File ${this.#file} was ${restart} while it was followed: reading from its beginning.${rest}`)
    return true
  }

  /** @returns whether there has been nothing for so long that waits do not get longer any more. */
  async #waitForData(): Promise<boolean> {
    const retryDelayMs = this.#retryDelayMs
    const isAtRest = retryDelayMs === RETRY_DELAY_MS_MAX
    this.#retryDelayMs = Math.min(retryDelayMs * 2, RETRY_DELAY_MS_MAX)
    if (isAtRest) await this.#nextLook()
    // Rejected only by the signal, on which the loop ends.
    else await delay(retryDelayMs, undefined, { signal: this.#context.signal }).catch(() => {})
    return isAtRest
  }

  #nextLook(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#context.signal.aborted) return resolve()
      const end = atNextLook(resolve)
      this.#endWait = () => {
        end()
        resolve()
      }
    })
  }
}

function lineRecord(topic: string, value: string, timestamp: number, sourcePartition: SourcePartition | null, sourceOffset: SourceOffset | null): SourceRecord {
  return {
    topic,
    kafkaPartition: null,
    keySchema: null,
    key: null,
    valueSchema: Schemas.STRING,
    value,
    timestamp,
    headers: null,
    sourcePartition,
    sourceOffset,
  }
}
