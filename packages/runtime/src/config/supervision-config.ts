import { ConfigDef, type Properties, range, validString } from '@millrace/api'

/** What becomes of a task that certainly makes no progress. */
export type StallAction = 'none' | 'fail' | 'restart'

/** How the tasks of a connector are watched, and what is done for those that stall or fail. */
export interface SupervisionConfig {
  readonly stall: {
    /** Milliseconds without progress after which a task with work to do counts as stalled; 0: never. */
    readonly timeoutMs: number
    readonly action: StallAction
  }
  readonly restart: RestartConfig
}

/** Restarts of what failed, without anybody asking. */
export interface RestartConfig {
  readonly isEnabled: boolean
  /** Most restarts in a row. */
  readonly attemptsMax: number
  /** Before the first one, doubled for each further one. Milliseconds. */
  readonly delayMs: number
  readonly delayMaxMs: number
  /** How long a task has to run until its earlier restarts are forgotten. Milliseconds. */
  readonly resetAfterMs: number
}

/** Settings that a worker has for all of its connectors and a connector may have for itself. */
export const supervisionConfigDef = new ConfigDef()
  .define('millrace.stall.timeout.ms', {
    type: 'LONG',
    default: 300_000,
    importance: 'MEDIUM',
    validator: range.atLeast(0),
    documentation:
      'Milliseconds after which a task counts as stalled: one call of it has not returned, its lag is above zero without progress, or its source says that there is more and yields nothing. 0: never.',
  })
  .define('millrace.stall.action', {
    type: 'STRING',
    default: 'none',
    importance: 'MEDIUM',
    validator: validString.in('none', 'fail', 'restart'),
    documentation: 'What becomes of a stalled task. none: its status says so. fail: it becomes FAILED. restart: it is ended and begins again.',
  })
  .define('millrace.restart.enable', {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    documentation:
      'Whether connectors and tasks that failed are restarted by themselves where the class of their error makes it worth while. Off, as in the original.',
  })
  .define('millrace.restart.max', {
    type: 'INT',
    default: 10,
    importance: 'LOW',
    validator: range.atLeast(1),
    documentation:
      'Most restarts in a row of one connector or task. Errors of data are never followed by one, of configuration by one, bugs by three, of resources by five at most.',
  })
  .define('millrace.restart.delay.ms', {
    type: 'LONG',
    default: 1_000,
    importance: 'LOW',
    validator: range.between(1, 86_400_000),
    documentation:
      'Milliseconds before the first restart; doubled for each further one, less up to a fifth by chance. Errors of authentication and configuration wait 30 times as long, those of resources 10 times.',
  })
  .define('millrace.restart.delay.max.ms', {
    type: 'LONG',
    default: 300_000,
    importance: 'LOW',
    validator: range.between(1, 86_400_000),
    documentation: 'Most milliseconds before a restart.',
  })
  .define('millrace.restart.reset.after.ms', {
    type: 'LONG',
    default: 600_000,
    importance: 'LOW',
    validator: range.atLeast(0),
    documentation: 'Milliseconds that a restarted connector or task has to run until its earlier restarts are forgotten.',
  })

/**
 * What counts for one connector: its own settings, over the worker's.
 * @throws ConfigError for a setting that validation would have refused.
 */
export function supervisionConfig(connector: Properties, worker: Properties): SupervisionConfig {
  const parsed = supervisionConfigDef.parse({ ...worker, ...connector })
  return {
    stall: { timeoutMs: parsed['millrace.stall.timeout.ms'], action: parsed['millrace.stall.action'] as StallAction },
    restart: {
      isEnabled: parsed['millrace.restart.enable'],
      attemptsMax: parsed['millrace.restart.max'],
      delayMs: parsed['millrace.restart.delay.ms'],
      delayMaxMs: parsed['millrace.restart.delay.max.ms'],
      resetAfterMs: parsed['millrace.restart.reset.after.ms'],
    },
  }
}
