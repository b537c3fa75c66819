import type { ConfigDef, Properties, SinkConnector, SinkTask } from '@millrace/api'

/** A sink connector that hands its properties to every task. @param task its class, which may be declared later. */
export function plainSinkConnector(definition: ConfigDef, task: () => new () => SinkTask): new () => SinkConnector {
  return class implements SinkConnector {
    #properties: Properties = {}

    config(): ConfigDef {
      return definition
    }
    start(properties: Properties): void {
      this.#properties = properties
    }
    taskClass() {
      return task()
    }
    taskConfigs(maxTasks: number): Properties[] {
      return Array.from({ length: maxTasks }, () => this.#properties)
    }
    stop(): void {}
  }
}
