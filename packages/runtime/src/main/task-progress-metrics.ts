import type { TaskProgress } from '@millrace/rest-api'
import type { Metric, MetricTags } from '../metrics/metric.ts'

/** Of a task, what the status tells of its progress. @param nowMs since the epoch. */
export function taskProgressMetrics(tags: MetricTags, progress: Omit<TaskProgress, 'observed_by'>, nowMs: number): Metric[] {
  const { ledger, activity, restarts } = progress
  const metric = (name: string, value: number | string): Metric => ({ group: 'millrace_task', name, tags, value })
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
    ...(restarts === undefined ? [] : [metric('restarts', restarts.attempts), metric('restarts-given-up', restarts.given_up ? 1 : 0)]),
    ...Object.entries(progress.stage_time_ms).map(([stage, ms]) => ({
      group: 'millrace_task',
      name: 'stage-seconds-total',
      tags: { ...tags, stage },
      value: ms / 1000,
    })),
  ]
}

/** NaN where there is no such time. */
function secondsSince(at: string | null, nowMs: number): number {
  return at === null ? Number.NaN : Math.max(0, Math.round(nowMs - Date.parse(at)) / 1000)
}
