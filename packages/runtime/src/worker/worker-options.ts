import type { Logger, Properties } from '@millrace/api'
import type { TaskId } from '@millrace/rest-api'
import type { WorkerConfig } from '../config/worker-config.ts'
import type { PluginRegistry } from '../plugins/plugin-registry.ts'
import type { OffsetStore } from '../storage/offset-store.ts'
import type { ThreadLog } from '../thread/thread-log.ts'
import type { WorkerListener } from './worker-listener.ts'

/** What a worker is made of. Nothing in it is closed by the worker. */
export interface WorkerOptions {
  readonly config: WorkerConfig
  readonly registry: PluginRegistry
  /** Started before the first connector or task is. */
  readonly offsetStore: OffsetStore
  /** `bootstrap.servers` of all clients, the embedded broker's address already put in. */
  readonly bootstrapServers: string
  /** `host:port` that other workers and statuses know this one by. */
  readonly workerId: string
  readonly logger: Logger
  /** Where lines that threads log go, and which levels they log at. Default: all lines of INFO and above go to `logger`. */
  readonly threadLog?: ThreadLog
  readonly listener: WorkerListener
  /** The task's configuration with references resolved again, for `context.configs()`. Default: the configuration it was started with. */
  readonly resolveTaskConfig?: (id: TaskId) => Promise<Properties>
}
