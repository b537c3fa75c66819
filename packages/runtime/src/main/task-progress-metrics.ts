import type { ConnectorProgress, RestartInfo, TaskProgress } from '@millrace/rest-api'
import type { Metric, MetricTags } from '../metrics/metric.ts'

/** Of a task, what its status tells of its progress. @param nowMs since the epoch. */
export function taskProgressMetrics(tags: MetricTags, progress: Omit<TaskProgress, 'observed_by'>, nowMs: number): Metric[] {
  const { ledger, activity, restarts } = progress
  const metric = (name: string, value: number | string): Metric => ({ group: 'millrace_task', name, tags, value })
  const ofEach = (name: string, tag: string, values: Readonly<Record<string, number>>): Metric[] =>
    Object.entries(values).map(([key, value]) => ({ group: 'millrace_task', name, tags: { ...tags, [tag]: key }, value }))
  return [
    metric('activity', activity.state),
    metric('activity-seconds', secondsSince(activity.since, nowMs)),
    metric('stalled', activity.state === 'stalled' ? 1 : 0),
    metric('last-progress-seconds', secondsSince(progress.last_progress_at, nowMs)),
    metric('observed-seconds', secondsSince(progress.observed_at, nowMs)),
    metric('lag-records', progress.lag ?? Number.NaN),
    metric('lag-seconds', progress.lag_seconds ?? Number.NaN),
    metric('records-read-total', ledger.read),
    metric('records-written-total', ledger.written),
    metric('records-filtered-total', ledger.filtered),
    metric('records-dead-lettered-total', ledger.dead_lettered),
    metric('records-skipped-total', ledger.skipped),
    metric('records-given-back-total', ledger.given_back),
    metric('records-in-flight', ledger.in_flight),
    metric('ledger-balanced', ledger.balanced ? 1 : 0),
    metric('ledger-imbalances', ledger.imbalances),
    ...restartMetrics('millrace_task', tags, restarts, nowMs),
    ...ofEach('transform-filtered-total', 'transform', ledger.filtered_by_transform),
    ...ofEach('stage-seconds-total', 'stage', progress.stage_time_ms).map((each) => ({ ...each, value: (each.value as number) / 1000 })),
  ]
}

/** As `taskProgressMetrics`, of a connector's instance. */
export function connectorProgressMetrics(tags: MetricTags, { activity, warnings, restarts }: ConnectorProgress, nowMs: number): Metric[] {
  const metric = (name: string, value: number | string): Metric => ({ group: 'millrace_connector', name, tags, value })
  return [metric('activity', activity.state), metric('warnings', warnings.length), ...restartMetrics('millrace_connector', tags, restarts, nowMs)]
}

function restartMetrics(group: string, tags: MetricTags, restarts: RestartInfo | undefined, nowMs: number): Metric[] {
  if (restarts === undefined) return []
  const metric = (name: string, value: number): Metric => ({ group, name, tags, value })
  return [
    metric('restarts', restarts.attempts),
    metric('restarts-given-up', restarts.given_up ? 1 : 0),
    metric('next-restart-seconds', restarts.next_at === null ? Number.NaN : Math.max(0, Date.parse(restarts.next_at) - nowMs) / 1000),
  ]
}

/** NaN where there is no such time. */
function secondsSince(at: string | null, nowMs: number): number {
  return at === null ? Number.NaN : Math.max(0, Math.round(nowMs - Date.parse(at)) / 1000)
}
