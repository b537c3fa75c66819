import type { ConfigDef, Properties, SinkConnector, SinkConnectorContext, SinkTask, TaskClass } from '@millrace/api'
import { sinkConfig } from './config.ts'
import { FileStreamSinkTask } from './sink-task.ts'

/** Appends the values of records to a file, or writes them to the standard output (`org.apache.kafka.connect.file.FileStreamSinkConnector`). */
export class FileStreamSinkConnector implements SinkConnector {
  #properties: Properties = {}

  config(): ConfigDef {
    return sinkConfig
  }

  start(properties: Properties, context: SinkConnectorContext): void {
    this.#properties = properties
    const { file } = sinkConfig.parse(properties)
    context.logger.info(`Starting file sink connector writing to ${file || 'standard output'}`)
  }

  taskClass(): TaskClass<SinkTask> {
    return FileStreamSinkTask
  }

  /** As many tasks as there may be. All append to the same file: their lines mix, but none is torn, as each write appends whole lines. */
  taskConfigs(maxTasks: number): readonly Properties[] {
    return Array.from({ length: maxTasks }, () => this.#properties)
  }

  stop(): void {}

  /** Offsets are Kafka's alone; any change is fine. */
  alterOffsets(): boolean {
    return true
  }
}
