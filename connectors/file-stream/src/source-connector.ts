import {
  type ConfigDef,
  ConnectError,
  type ExactlyOnceSupport,
  type Properties,
  type SourceConnector,
  type SourceConnectorContext,
  type SourceOffset,
  type SourcePartition,
  type SourceTask,
  type TaskClass,
} from '@millrace/api'
import { sourceConfig } from './config.ts'
import { FileStreamSourceTask } from './source-task.ts'

/** Copies the lines of one file, or of the standard input, to a topic (`org.apache.kafka.connect.file.FileStreamSourceConnector`). */
export class FileStreamSourceConnector implements SourceConnector {
  #properties: Properties = {}

  config(): ConfigDef {
    return sourceConfig
  }

  start(properties: Properties, context: SourceConnectorContext): void {
    this.#properties = properties
    const { file } = sourceConfig.parse(properties)
    context.logger.info(`Starting file source connector reading from ${file || 'standard input'}`)
  }

  taskClass(): TaskClass<SourceTask> {
    return FileStreamSourceTask
  }

  /** One task, however many there may be: a file has one reader. */
  taskConfigs(): readonly Properties[] {
    return [this.#properties]
  }

  stop(): void {}

  /** A file that is only appended to can be read again from any position; the standard input cannot. */
  exactlyOnceSupport(properties: Properties): ExactlyOnceSupport {
    return sourceConfig.parse(properties).file ? 'SUPPORTED' : 'UNSUPPORTED'
  }

  alterOffsets(properties: Properties, offsets: readonly { readonly partition: SourcePartition; readonly offset: SourceOffset | null }[]): boolean {
    if (!sourceConfig.parse(properties).file) {
      throw new ConnectError(
        "Offsets cannot be modified if the 'file' configuration is unspecified. This is because stdin is used for input and offsets are not tracked.",
      )
    }
    for (const { partition, offset } of offsets) checkOffset(partition, offset)
    // Whether the position exists in the file is checked by the task when it opens it.
    return true
  }
}

function checkOffset(partition: SourcePartition, offset: SourceOffset | null): void {
  // Whatever was stored may be removed.
  if (offset === null) return
  if (!Object.hasOwn(offset, 'position')) throw new ConnectError("Offset objects should either be null or contain the key 'position'")
  const { position } = offset
  if (typeof position !== 'bigint' && !Number.isSafeInteger(position)) {
    throw new ConnectError("The value for the 'position' key in the offset is expected to be a Long value")
  }
  if (Number(position) < 0) throw new ConnectError("The value for the 'position' key in the offset should be a non-negative value")
  if (partition === null) throw new ConnectError('Partition objects cannot be null')
  if (!Object.hasOwn(partition, 'filename')) throw new ConnectError("Partition objects should contain the key 'filename'")
}
