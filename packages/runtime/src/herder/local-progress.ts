import type { ConnectorProgress, FailureReport, ProgressQuery, RestartInfo, TaskActivity, TaskId, TaskProgress } from '@millrace/rest-api'
import { nothingTold } from '../worker/progress.ts'
import type { FailureReports } from './failure-reports.ts'
import type { HerderWorker } from './herder-worker.ts'

/** What is known of the progress of connectors, by name, and of tasks, by `connector-task`. Maps, as a connector may be called `__proto__`. */
export interface KnownProgress {
  readonly connectors: ReadonlyMap<string, ConnectorProgress>
  readonly tasks: ReadonlyMap<string, TaskProgress>
}

export interface LocalProgressOptions {
  readonly worker: Pick<HerderWorker, 'connectorProgress' | 'taskProgress' | 'restartInfo'>
  readonly failures: FailureReports
  /** `host:port` of this worker. */
  readonly workerId: string
}

/** What this worker knows of what it runs, and why that failed. Resolves within 500 ms and a little. */
export async function localProgress(options: LocalProgressOptions, { connectors, tasks }: ProgressQuery): Promise<KnownProgress> {
  return { connectors: connectorProgress(options, connectors), tasks: await taskProgress(options, tasks) }
}

function connectorProgress({ worker, failures }: LocalProgressOptions, names: readonly string[]): ReadonlyMap<string, ConnectorProgress> {
  const known = names.flatMap((name) => {
    const failure = failures.of(name)
    const progress =
      worker.connectorProgress(name) ?? (failure === null ? null : notStartedConnector(failure, worker.restartInfo({ connector: name, task: null })))
    return progress === null ? [] : [[name, failure === null ? progress : { ...progress, failure }] as const]
  })
  return new Map(known)
}

async function taskProgress({ worker, failures, workerId }: LocalProgressOptions, ids: readonly TaskId[]): Promise<ReadonlyMap<string, TaskProgress>> {
  const known = new Map<string, TaskProgress>()
  const read = async (id: TaskId): Promise<void> => {
    const progress = await worker.taskProgress(id)
    const failure = failures.of(id)
    const name = `${id.connector}-${id.task}`
    if (failure !== null) known.set(name, { ...(progress ?? notStarted(failure, worker.restartInfo(id), workerId)), failure })
    else if (progress !== null) known.set(name, progress)
  }
  await Promise.all(ids.map(read))
  return known
}

function notStartedConnector(failure: FailureReport, restarts: RestartInfo | null): ConnectorProgress {
  return { activity: neverStarted(failure), warnings: [], ...(restarts === null ? {} : { restarts }) }
}

function neverStarted({ at }: FailureReport): TaskActivity {
  return { state: 'failed', since: at, detail: 'It could not be started' }
}

/** Of a task that failed before there was anything of it. */
function notStarted(failure: FailureReport, restarts: RestartInfo | null, workerId: string): TaskProgress {
  const { facts: _, ...nothing } = nothingTold()
  return {
    ...nothing,
    activity: neverStarted(failure),
    in_out: { read_per_second: 0, written_per_second: 0 },
    ...(restarts === null ? {} : { restarts }),
    observed_by: workerId,
    observed_at: new Date().toISOString(),
  }
}
