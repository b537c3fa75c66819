/*
 * Every metric that the Java clients 4.3 have, and whether it is here. Names stand for all their endings: `request-{rate,total}`.
 */

/** One metric of the Java clients. */
export interface ClientMetricName {
  readonly group: string
  /** Beside `client-id`. */
  readonly tags: readonly string[]
  readonly name: string
  readonly isProvided: boolean
  /** Why it is not there, or how it differs. */
  readonly note: string
}

interface Row {
  /** With endings in braces. */
  readonly names: string
  readonly isProvided: boolean
  readonly note: string
}

function provided(names: string, note = ''): Row {
  return { names, isProvided: true, note }
}

function missing(names: string, note: string): Row {
  return { names, isProvided: false, note }
}

const NO_SELECTOR = 'There is no thread of its own that waits for sockets.'

const meters = '{rate,total}'
const spread = '{avg,max}'

const traffic: readonly Row[] = [
  provided(`request-${meters}`),
  provided(`response-${meters}`),
  provided(`outgoing-byte-${meters}`),
  provided(`incoming-byte-${meters}`),
  provided(`request-size-${spread}`),
]

const ofNode: readonly Row[] = [...traffic, provided(`request-latency-${spread}`)]

const ofClient: readonly Row[] = [
  ...traffic,
  provided(`network-io-${meters}`, 'Requests and answers.'),
  provided(`connection-creation-${meters}`),
  provided(`connection-close-${meters}`),
  provided('connection-count'),
  provided(`successful-authentication-${meters}`),
  provided(`failed-authentication-${meters}`),
  provided(`successful-reauthentication-${meters}`),
  provided(`failed-reauthentication-${meters}`),
  provided(`reauthentication-latency-${spread}`),
  missing('successful-authentication-no-reauth-total', 'For brokers before Kafka 2.2.'),
  missing('io-ratio', NO_SELECTOR),
  missing('io-time-ns-{avg,total}', NO_SELECTOR),
  missing('io-wait-ratio', NO_SELECTOR),
  missing('io-wait-time-ns-{avg,total}', NO_SELECTOR),
  missing(`select-${meters}`, NO_SELECTOR),
]

const ofEach: readonly (readonly [group: string, rows: readonly Row[]])[] = [
  [
    'app-info',
    [missing('commit-id', 'The version is in `ApiVersions` requests.'), missing('start-time-ms', 'See the process.'), missing('version', 'See the package.')],
  ],
  ['kafka-metrics-count', [missing('count', 'Count them.')]],
]

const ofProducer: readonly Row[] = [
  provided(`record-send-${meters}`),
  provided(`record-error-${meters}`),
  provided(`record-retry-${meters}`),
  provided(`record-size-${spread}`, 'Averages of batches: single records are not looked at. Java: the largest record of each batch.'),
  provided(`record-queue-time-${spread}`),
  provided('records-per-request-avg'),
  provided(`batch-size-${spread}`),
  provided(`batch-split-${meters}`),
  provided('compression-rate-avg'),
  provided(`request-latency-${spread}`, 'Of Produce requests.'),
  provided(`produce-throttle-time-${spread}`),
  provided('requests-in-flight', 'Produce requests.'),
  provided('metadata-age'),
  provided('metadata-wait-time-ns-total', 'Of `partitionsFor`; `send` does not wait.'),
  provided(`buffer-exhausted-${meters}`, 'Calls of `send` without `hasRoom`.'),
  provided('buffer-{total,available}-bytes'),
  provided('bufferpool-wait-time-ns-total', 'Of `room`.'),
  provided('waiting-threads', 'Callers that wait in `room`.'),
  missing('bufferpool-wait-ratio', 'Divide what bufferpool-wait-time-ns-total has grown by the time.'),
  provided('flush-time-ns-total'),
  provided('txn-{init,send-offsets,commit,abort}-time-ns-total'),
  missing('txn-begin-time-ns-total', 'A transaction begins without a request.'),
  missing('txn-prepare-time-ns-total', 'Transactions in two phases are not supported.'),
]

const ofProducerTopic: readonly Row[] = [
  provided(`record-send-${meters}`),
  provided(`byte-${meters}`),
  provided('compression-rate'),
  provided(`record-retry-${meters}`),
  provided(`record-error-${meters}`),
]

const ofConsumer: readonly Row[] = [
  provided(`time-between-poll-${spread}`),
  provided('last-poll-seconds-ago'),
  provided('poll-idle-ratio-avg'),
  provided('commit-sync-time-ns-total', 'Of commits that succeeded, of their own accord or automatic.'),
  provided('committed-time-ns-total'),
]

const ofFetches: readonly Row[] = [
  provided(`fetch-${meters}`),
  provided(`fetch-latency-${spread}`),
  provided(`fetch-size-${spread}`, 'Record batches as they come, compressed.'),
  provided(`fetch-throttle-time-${spread}`),
  provided(`bytes-consumed-${meters}`, 'Record batches as they come, compressed.'),
  provided(`records-consumed-${meters}`),
  missing('records-per-request-avg', 'Records are counted when they are handed out, not when they come.'),
  provided('records-lag-max', 'At the moment.'),
  provided('records-lead-min', 'At the moment.'),
]

const ofFetchedTopic: readonly Row[] = [
  provided(`fetch-size-${spread}`, 'Record batches as they come, compressed.'),
  provided(`bytes-consumed-${meters}`, 'Record batches as they come, compressed.'),
  provided(`records-consumed-${meters}`),
  missing('records-per-request-avg', 'Records are counted when they are handed out, not when they come.'),
]

const ofFetchedPartition: readonly Row[] = [
  provided('records-lag'),
  provided(`records-lag-${spread}`),
  provided('records-lead'),
  provided('records-lead-{avg,min}'),
  provided('preferred-read-replica'),
]

const ofCoordinator: readonly Row[] = [
  provided('assigned-partitions'),
  provided(`commit-${meters}`),
  provided(`commit-latency-${spread}`),
  provided(`heartbeat-${meters}`),
  provided('heartbeat-response-time-max'),
  provided('last-heartbeat-seconds-ago'),
  provided(`join-${meters}`),
  provided(`join-time-${spread}`),
  provided(`sync-${meters}`),
  provided(`sync-time-${spread}`),
  provided('rebalance-{rate-per-hour,total}'),
  provided('failed-rebalance-{rate-per-hour,total}'),
  provided('rebalance-latency-{avg,max,total}'),
  provided('last-rebalance-seconds-ago'),
  provided(`partition-{assigned,revoked,lost}-latency-${spread}`),
]

function rowsOf(group: string, tags: readonly string[], rows: readonly Row[]): ClientMetricName[] {
  return rows.flatMap(({ names, isProvided, note }) => expanded(names).map((name) => ({ group, tags, name, isProvided, note })))
}

/** `a-{b,c}` is `a-b` and `a-c`. */
function expanded(names: string): string[] {
  const match = /^(.*?)\{([^}]*)\}(.*)$/.exec(names)
  if (!match) return [names]
  const [, before = '', choices = '', after = ''] = match
  return choices.split(',').flatMap((choice) => expanded(`${before}${choice}${after}`))
}

/** All metrics of the Java clients, by group. */
export const clientMetricNames: readonly ClientMetricName[] = [
  ...rowsOf('producer-metrics', [], [...ofProducer, ...ofClient]),
  ...rowsOf('producer-topic-metrics', ['topic'], ofProducerTopic),
  ...rowsOf('producer-node-metrics', ['node-id'], ofNode),
  ...rowsOf('consumer-metrics', [], [...ofConsumer, ...ofClient]),
  ...rowsOf('consumer-fetch-manager-metrics', [], ofFetches),
  ...rowsOf('consumer-fetch-manager-metrics', ['topic'], ofFetchedTopic),
  ...rowsOf('consumer-fetch-manager-metrics', ['topic', 'partition'], ofFetchedPartition),
  ...rowsOf('consumer-coordinator-metrics', [], ofCoordinator),
  ...rowsOf('consumer-node-metrics', ['node-id'], ofNode),
  ...rowsOf('admin-client-metrics', [], ofClient),
  ...rowsOf('admin-client-node-metrics', ['node-id'], ofNode),
  ...ofEach.flatMap(([group, rows]) => rowsOf(group, [], rows)),
]
