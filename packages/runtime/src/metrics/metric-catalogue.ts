/** What is known of the metrics of one MBean of the original, or of one group of additions. */
export interface MetricGroupEntry {
  readonly group: string
  readonly tags: readonly string[]
  /** When there is one of it, in words for a page. */
  readonly scope: string
  readonly metrics: readonly MetricEntry[]
}

export interface MetricEntry {
  readonly name: string
  readonly kind: 'number' | 'text'
  readonly help: string
  /** Why it is not here; null where it is. */
  readonly missing: string | null
}

function number(name: string, help: string): MetricEntry {
  return { name, kind: 'number', help, missing: null }
}

function text(name: string, help: string): MetricEntry {
  return { name, kind: 'text', help, missing: null }
}

function missing(name: string, why: string): MetricEntry {
  return { name, kind: 'number', help: '', missing: why }
}

const EXACTLY_ONCE = 'Only exactly-once sources have it, which will come with a later release.'

/** Two names for the same measure over the current windows. */
function averageAndMax(average: string, max: string, what: string): MetricEntry[] {
  return [number(average, `Average ${what}, over the current windows.`), number(max, `Greatest ${what}, over the current windows.`)]
}

function meter(base: string, what: string): MetricEntry[] {
  return [number(`${base}-rate`, `${what}, per second.`), number(`${base}-total`, `${what}, since the task was started.`)]
}

const taskTags = ['connector', 'task']

/** The groups that the original has (`ConnectMetricsRegistry` and others), without those of its Kafka clients. */
export const connectMetricGroups: readonly MetricGroupEntry[] = [
  {
    group: 'connector-metrics',
    tags: ['connector'],
    scope: 'each connector that runs on this worker',
    metrics: [
      text('status', 'State of the connector: unassigned, running, paused, stopped, failed or restarting.'),
      text('connector-type', 'source or sink.'),
      text('connector-class', 'Class of the connector.'),
      text('connector-version', 'Version of the connector.'),
    ],
  },
  {
    group: 'connector-task-metrics',
    tags: taskTags,
    scope: 'each task of this worker',
    metrics: [
      text('status', 'State of the task: unassigned, running, paused, failed or restarting.'),
      number('running-ratio', 'Share of its life that the task was running, from 0 to 1.'),
      number('pause-ratio', 'Share of its life that the task was paused, from 0 to 1.'),
      ...averageAndMax('offset-commit-avg-time-ms', 'offset-commit-max-time-ms', 'time that a successful commit of offsets took, in milliseconds'),
      ...averageAndMax('batch-size-avg', 'batch-size-max', 'number of records in a batch of the task'),
      number('offset-commit-failure-percentage', 'Share of commits of offsets that failed, from 0 to 1, over the current windows.'),
      number('offset-commit-success-percentage', 'Share of commits of offsets that succeeded, from 0 to 1, over the current windows.'),
      text('connector-class', 'Class of the connector.'),
      text('connector-version', 'Version of the connector.'),
      text('connector-type', 'source or sink.'),
      text('task-class', 'Class of the task.'),
      text('task-version', 'Version of the task, which is that of its connector.'),
      text('key-converter-class', 'Class of the converter of keys.'),
      text('value-converter-class', 'Class of the converter of values.'),
      text('key-converter-version', 'Version of the converter of keys.'),
      text('value-converter-version', 'Version of the converter of values.'),
      text('header-converter-class', 'Class of the converter of headers.'),
      text('header-converter-version', 'Version of the converter of headers.'),
    ],
  },
  {
    group: 'connector-transform-metrics',
    tags: [...taskTags, 'transform'],
    scope: 'each transformation of each task',
    metrics: [text('transform-class', 'Class of the transformation.'), text('transform-version', 'Version of the transformation.')],
  },
  {
    group: 'connector-predicate-metrics',
    tags: [...taskTags, 'predicate'],
    scope: 'each predicate of each task',
    metrics: [text('predicate-class', 'Class of the predicate.'), text('predicate-version', 'Version of the predicate.')],
  },
  {
    group: 'source-task-metrics',
    tags: taskTags,
    scope: 'each task of a source',
    metrics: [
      ...meter('source-record-poll', 'Records that the task has polled, before transformations'),
      ...meter('source-record-write', 'Records that Kafka has acknowledged, without those that were filtered or skipped'),
      ...averageAndMax('poll-batch-avg-time-ms', 'poll-batch-max-time-ms', 'time that a poll took which brought a batch, in milliseconds'),
      number('source-record-active-count', 'Records that were polled and have no end yet.'),
      ...averageAndMax('source-record-active-count-avg', 'source-record-active-count-max', 'number of records that were polled and have no end yet'),
      missing('transaction-size-min', EXACTLY_ONCE),
      missing('transaction-size-max', EXACTLY_ONCE),
      missing('transaction-size-avg', EXACTLY_ONCE),
    ],
  },
  {
    group: 'sink-task-metrics',
    tags: taskTags,
    scope: 'each task of a sink',
    metrics: [
      ...meter('sink-record-read', 'Records that were read from Kafka, before transformations'),
      ...meter('sink-record-send', 'Records that the task has taken with put, after transformations'),
      number('sink-record-lag-max', 'Records that the partition furthest behind has left to read. The original declares it and never fills it.'),
      number('partition-count', 'Partitions that are assigned to the task.'),
      number('offset-commit-seq-no', 'Number of the current commit of offsets.'),
      ...meter('offset-commit-completion', 'Commits of offsets that succeeded'),
      ...meter('offset-commit-skip', 'Answers to commits of offsets that came too late and were ignored'),
      ...averageAndMax('put-batch-avg-time-ms', 'put-batch-max-time-ms', 'time that put took, in milliseconds'),
      number('sink-record-active-count', 'Records that were read and are not yet committed.'),
      ...averageAndMax('sink-record-active-count-avg', 'sink-record-active-count-max', 'number of records that were read and are not yet committed'),
    ],
  },
  {
    group: 'task-error-metrics',
    tags: taskTags,
    scope: 'each task of this worker',
    metrics: [
      number('total-record-failures', 'Attempts to process a record that failed, since the task was started.'),
      number('total-record-errors', 'Records that failed for good, since the task was started.'),
      number('total-records-skipped', 'Records that were left out because of errors, since the task was started.'),
      number('total-retries', 'Attempts that were made again, since the task was started.'),
      number('total-errors-logged', 'Errors of records that were logged, since the task was started.'),
      number('deadletterqueue-produce-requests', 'Dead letters that were sent, since the task was started.'),
      number('deadletterqueue-produce-failures', 'Dead letters that Kafka refused, since the task was started.'),
      number('last-error-timestamp', 'When a record last failed, in milliseconds since the epoch; 0 for never.'),
    ],
  },
  {
    group: 'connect-worker-metrics',
    tags: [],
    scope: 'the worker',
    metrics: [
      number('connector-count', 'Connectors that this worker runs.'),
      number('task-count', 'Tasks that this worker runs.'),
      ...['connector', 'task'].flatMap((what) => [
        number(`${what}-startup-attempts-total`, `Starts of ${what}s on this worker.`),
        number(`${what}-startup-success-total`, `Starts of ${what}s that succeeded.`),
        number(`${what}-startup-success-percentage`, `Share of starts of ${what}s that succeeded, from 0 to 1, over the current windows.`),
        number(`${what}-startup-failure-total`, `Starts of ${what}s that failed.`),
        number(`${what}-startup-failure-percentage`, `Share of starts of ${what}s that failed, from 0 to 1, over the current windows.`),
      ]),
    ],
  },
  {
    group: 'connect-worker-metrics',
    tags: ['connector'],
    scope: 'each connector that has tasks on this worker',
    metrics: [
      number('connector-total-task-count', 'Tasks of the connector on this worker.'),
      ...['running', 'paused', 'failed', 'unassigned', 'destroyed', 'restarting'].map((state) =>
        number(`connector-${state}-task-count`, `Tasks of the connector on this worker whose state is ${state}.`),
      ),
    ],
  },
  {
    group: 'connect-worker-rebalance-metrics',
    tags: [],
    scope: 'a worker of a cluster',
    metrics: [
      text('connect-protocol', 'Protocol of the group: EAGER, COMPATIBLE or SESSIONED.'),
      text('leader-name', 'URL of the leader.'),
      number('epoch', 'Generation of the group.'),
      number('completed-rebalances-total', 'Rebalances that this worker has completed.'),
      number('rebalancing', '1 while this worker rebalances, otherwise 0.'),
      ...averageAndMax('rebalance-avg-time-ms', 'rebalance-max-time-ms', 'time that a rebalance took this worker, in milliseconds'),
      number('time-since-last-rebalance-ms', 'Milliseconds since this worker last completed a rebalance.'),
    ],
  },
  {
    group: 'connect-coordinator-metrics',
    tags: ['client-id'],
    scope: 'a worker of a cluster',
    metrics: [
      number('assigned-connectors', 'Connectors that the group has given to this worker.'),
      number('assigned-tasks', 'Tasks that the group has given to this worker.'),
      number('heartbeat-rate', 'Heartbeats, per second.'),
      number('heartbeat-total', 'Heartbeats.'),
      number('heartbeat-response-time-max', 'Greatest time until a heartbeat was answered, in milliseconds, over the current windows.'),
      number('join-rate', 'Joins of the group, per second.'),
      number('join-total', 'Joins of the group.'),
      ...averageAndMax('join-time-avg', 'join-time-max', 'time that a join took, in milliseconds'),
      number('sync-rate', 'Synchronisations with the group, per second.'),
      number('sync-total', 'Synchronisations with the group.'),
      ...averageAndMax('sync-time-avg', 'sync-time-max', 'time that a synchronisation took, in milliseconds'),
      number('rebalance-rate-per-hour', 'Rebalances that succeeded, per hour.'),
      number('rebalance-total', 'Rebalances that succeeded.'),
      ...averageAndMax('rebalance-latency-avg', 'rebalance-latency-max', 'time that a rebalance took, in milliseconds'),
      number('rebalance-latency-total', 'Time that all rebalances took, in milliseconds.'),
      number('failed-rebalance-rate-per-hour', 'Rebalances that failed, per hour.'),
      number('failed-rebalance-total', 'Rebalances that failed.'),
      number('last-rebalance-seconds-ago', 'Seconds since the last rebalance; -1 before the first.'),
      number('last-heartbeat-seconds-ago', 'Seconds since the last answered heartbeat; -1 before the first.'),
    ],
  },
  {
    group: 'app-info',
    tags: ['client-id'],
    scope: 'the worker',
    metrics: [
      text('version', 'Version of Kafka Connect that the worker is compatible with.'),
      text('commit-id', 'Commit that the worker was built from.'),
      number('start-time-ms', 'When the worker was started, in milliseconds since the epoch.'),
    ],
  },
]

const restarts: readonly MetricEntry[] = [
  number('restarts', 'Automatic restarts since it last ran well. This and the next two are there where restarts are enabled.'),
  number('restarts-given-up', '1 where automatic restarts were given up, otherwise 0.'),
  number('next-restart-seconds', 'Seconds until the next automatic restart; NaN where there is none.'),
]

/** What the original does not have. */
export const millraceMetricGroups: readonly MetricGroupEntry[] = [
  {
    group: 'millrace_connector',
    tags: ['connector'],
    scope: 'each connector that runs on this worker',
    metrics: [
      number('state', 'State of the connector as a number: 0 unassigned, 1 running, 2 paused, 3 stopped, 4 restarting, 5 failed.'),
      text('activity', 'What the instance does: starting, running, idle, retrying, paused, stalled, failed or stopped.'),
      number('warnings', 'Things that somebody has to look at although nothing failed, such as a connector that runs with zero tasks.'),
      ...restarts,
    ],
  },
  {
    group: 'millrace_task',
    tags: taskTags,
    scope: 'each task of this worker; last known values where its thread does not answer, or the task has failed',
    metrics: [
      number('state', 'State of the task as a number: 0 unassigned, 1 running, 2 paused, 4 restarting, 5 failed.'),
      text('activity', 'What the task does: starting, running, idle, waiting_for_batch, retrying, blocked, paused, stalled or failed.'),
      number('activity-seconds', 'For how long it has done that.'),
      number('stalled', '1 while the task is certainly stalled, otherwise 0.'),
      number('last-progress-seconds', 'Seconds since a record of the task last came to its end; NaN before the first.'),
      number('observed-seconds', 'Seconds since these values were observed: more than a few where the thread of the task does not answer.'),
      number('lag-records', 'Records that a sink has left to read; NaN where that is not known.'),
      number('lag-seconds', 'Age of the oldest record that was not read yet; NaN where that is not known.'),
      number('records-read-total', 'Records that were read, by the ledger of the task.'),
      number('records-written-total', 'Records that were written.'),
      number('records-filtered-total', 'Records that transformations left out.'),
      number('records-dead-lettered-total', 'Records that are in the dead-letter queue.'),
      number('records-skipped-total', 'Records that failed and were left out.'),
      number('records-given-back-total', 'Records that are read again, because they had no end when the task stopped or went back.'),
      number('records-in-flight', 'Records that were read and have no end yet.'),
      number('ledger-balanced', '1 while all records are accounted for, otherwise 0: a defect of the runtime.'),
      number('ledger-imbalances', 'How often the ledger did not add up when offsets were committed.'),
      ...restarts,
    ],
  },
  {
    group: 'millrace_task',
    tags: [...taskTags, 'stage'],
    scope: 'each stage of each task',
    metrics: [number('stage-seconds-total', 'Time that the task has spent in a stage.')],
  },
  {
    group: 'millrace_task',
    tags: [...taskTags, 'transform'],
    scope: 'each transformation that has left out a record',
    metrics: [number('transform-filtered-total', 'Records that the transformation left out.')],
  },
  {
    group: 'millrace_thread',
    tags: ['kind', 'thread'],
    scope: 'each thread that answers',
    metrics: [
      number('tasks', 'Tasks that the thread runs.'),
      number('connectors', 'Connectors that the thread runs.'),
      number('memory-bytes', 'Heap and Buffers of the thread.'),
      number('event-loop-utilization', 'Share of time that the event loop was busy since the last reading, from 0 to 1.'),
      number('event-loop-delay-seconds', 'Greatest time since the last reading that the event loop was late.'),
    ],
  },
  {
    group: 'millrace_worker',
    tags: [],
    scope: 'the worker',
    metrics: [
      number('memory-resident-bytes', 'Resident memory of the process.'),
      number('cpu-seconds-total', 'CPU time of the process, user and system.'),
      number('event-loop-utilization', 'Share of time that the event loop of the main thread was busy since the last reading, from 0 to 1.'),
      number('event-loop-delay-seconds', 'Greatest time since the last reading that the event loop of the main thread was late, looked at once a second.'),
      number('threads-silent', 'Threads that did not answer this reading: what they would tell of their tasks is missing.'),
      number('threads-abandoned', 'Threads that were left behind because a native call blocks them.'),
      number('reading-seconds', 'Time that this reading took.'),
    ],
  },
  {
    group: 'millrace_webhook',
    tags: [],
    scope: 'a worker that has a webhook',
    metrics: [
      number('sent-total', 'Notifications that were delivered.'),
      number('failed-total', 'Notifications that were given up.'),
      number('retries-total', 'Attempts that were made again.'),
      number('dropped-total', 'Notifications that were dropped because too many waited.'),
      number('duplicates-total', 'Changes that were not told, because the same had been told just before.'),
      number('waiting', 'Notifications that wait.'),
    ],
  },
]

const helps = new Map(
  [...connectMetricGroups, ...millraceMetricGroups].flatMap(({ group, metrics }) => metrics.map(({ name, help }) => [`${group} ${name}`, help])),
)

/** What a metric says, for whoever reads the answer. */
export function metricHelp(group: string, name: string): string {
  const known = helps.get(`${group} ${name}`)
  if (known) return known
  if (group === 'plugins') return `${name}, a metric of a plug-in.`
  return /^(producer|consumer|admin-client|connect)-/.test(group) ? `${name} of ${group}, a metric of a Kafka client.` : `${name} of ${group}.`
}
