/** The bodies of requests and answers, named as the REST API of Kafka Connect 4.3 names them. Everything of ours sits in the field `millrace`. */

export type ConnectorType = 'source' | 'sink' | 'unknown'
export type ConnectorState = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'STOPPED' | 'FAILED' | 'RESTARTING'
export type TaskState = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'FAILED' | 'RESTARTING'
export type InitialState = 'RUNNING' | 'PAUSED' | 'STOPPED'
export type ConnectorConfig = Readonly<Record<string, string>>

/** `GET /`. */
export interface ServerInfo {
  /** The Kafka Connect version that this worker is compatible with. */
  readonly version: string
  readonly commit: string
  readonly kafka_cluster_id: string
  readonly millrace?: { readonly version: string; readonly node: string }
}

/** `GET /health` (KIP-1017). */
export interface WorkerStatus {
  readonly status: 'healthy' | 'starting' | 'unhealthy'
  readonly message: string
  /** Where there are warnings: what an operator has to look at although the worker works, e.g. a config topic that has lost its connectors. */
  readonly millrace?: { readonly warnings: readonly string[] }
}

export interface TaskId {
  readonly connector: string
  readonly task: number
}

export interface ConnectorInfo {
  readonly name: string
  readonly config: Readonly<Record<string, string | null>>
  readonly tasks: readonly TaskId[]
  readonly type: ConnectorType
}

export interface CreateConnectorRequest {
  readonly name: string
  readonly config: Readonly<Record<string, string | null>>
  readonly initial_state?: InitialState
}

export interface TaskInfo {
  readonly id: TaskId
  readonly config: ConnectorConfig
}

export interface ConnectorInstanceState {
  readonly state: ConnectorState
  readonly worker_id: string
  readonly trace?: string
  readonly version?: string | null
  readonly millrace?: Partial<StatusObservation> & Partial<ConnectorProgress>
}

/** What we add to the status of a connector: of its instance, told by the worker that runs it. */
export interface ConnectorProgress {
  readonly activity: TaskActivity
  /** What an operator has to look at although nothing failed: a connector that runs with zero tasks copies nothing. */
  readonly warnings: readonly string[]
  readonly restarts?: RestartInfo
  /** Set where it is FAILED, by the worker that ran it. */
  readonly failure?: FailureReport
}

/** Who says so, in a cluster: the worker that was asked, by what it has read of the status topic. */
export interface StatusObservation {
  readonly observed_by: string
  /** ISO 8601. */
  readonly observed_at: string
  /** False: the worker is out of its group, as when it cannot reach Kafka, and what it says may be old. */
  readonly in_group: boolean
}

export interface TaskInstanceState {
  readonly id: number
  readonly state: TaskState
  readonly worker_id: string
  readonly trace?: string
  readonly version?: string | null
  readonly millrace?: TaskProgress
}

export interface ConnectorStateInfo {
  readonly name: string
  readonly connector: ConnectorInstanceState
  readonly tasks: readonly TaskInstanceState[]
  readonly type: ConnectorType
}

/** What failed on the path of records since the task started: the original's `task-error-metrics`. */
export interface RecordErrors {
  /** Attempts that failed. */
  readonly failures: number
  /** Records that failed for good. */
  readonly errors: number
  /** Records left out because errors are tolerated. */
  readonly skipped: number
  readonly retries: number
  readonly logged: number
  readonly dead_letter_requests: number
  readonly dead_letter_failures: number
  /** ISO 8601, or null. */
  readonly last_error_at: string | null
}

/** What has to happen before a failure does not come back: wait, give access, change a setting, set a record aside, make room, or change code. */
export type FailureClass = 'transient' | 'authentication' | 'configuration' | 'data' | 'resource' | 'bug'

/** Where something failed, as far as it is known. */
export interface FailurePlace {
  readonly connector: string
  /** Absent for the connector itself. */
  readonly task?: number
  /** What was being done: a stage of the path of records as Kafka Connect names it (`VALUE_CONVERTER`, `TRANSFORMATION`, …), or the call (`start`, `poll`, `put`). */
  readonly stage?: string
  /** By its alias, and its place in `transforms`, from 1 on. */
  readonly transform?: { readonly alias: string; readonly position: number }
  /** Of the record in Kafka (sinks), or the topic that it was meant for (sources). */
  readonly topic?: string
  readonly partition?: number
  readonly offset?: number
  /** Of the record in the source. */
  readonly source_partition?: Readonly<Record<string, unknown>>
  readonly source_offset?: Readonly<Record<string, unknown>>
}

/** Why a connector or task is FAILED. No secrets are in it, and nothing of the content of records but what a plugin put into its message. */
export interface FailureReport {
  /** In plain words, one line. */
  readonly root_cause: string
  readonly class: FailureClass
  /** Id of the page with more (`millrace explain MR-2101`). */
  readonly hint: string
  /** What to do first: one or two sentences. */
  readonly try: string
  readonly where: FailurePlace
  /** `Class: message`, outermost first. */
  readonly causes: readonly string[]
  /** When it failed first (ISO 8601). */
  readonly at: string
  /** Failures after the first one, which are counted and not shown. */
  readonly later_failures: number
  /** What was going on before, oldest first: at most 50 lines, the debug lines of the log among them. */
  readonly recent_events: readonly string[]
}

/** Where the records of a task went since it started: `read` is the sum of all others. */
export interface RecordLedger {
  /** Polled from the source, or fetched from Kafka and handed to the task. */
  readonly read: number
  /** Source: acknowledged by Kafka. Sink: covered by offsets that `preCommit` returned. */
  readonly written: number
  /** Left out by a transformation. */
  readonly filtered: number
  readonly dead_lettered: number
  /** Dropped by `errors.tolerance=all` without a dead letter. */
  readonly skipped: number
  /** Handed back unfinished: partitions revoked, rewound, or the task stopped. */
  readonly given_back: number
  /** Counted where records are, never by subtraction. */
  readonly in_flight: number
  /** True where the sum is right. */
  readonly balanced: boolean
  /** How often the sum was found to be wrong when offsets were committed. Above 0 it is a defect of the runtime. */
  readonly imbalances: number
  /** Records that were left out, by the alias of the transformation that did it. */
  readonly filtered_by_transform: Readonly<Record<string, number>>
  /** Fields that a plug-in could not hand on as they were, by path: how often. At most 100 names; further ones are counted together as `…`. */
  readonly coerced_fields: Readonly<Record<string, number>>
}

/**
 * What a task does just now; of a connector: what its instance does.
 *
 * `starting`: its plug-ins are loaded, or `start` has not returned. `running`: records go through it. `idle`: there is nothing to read. `waiting_for_batch`: the
 * sink gathers records. `retrying`: something failed and is tried again. `blocked`: a call of the destination, or Kafka, does not return or take more. `paused`.
 * `stalled`: there is work, and certainly no progress. `failed`. `stopped`: it ended because it was asked to.
 */
export type ActivityState = 'starting' | 'running' | 'idle' | 'waiting_for_batch' | 'retrying' | 'blocked' | 'paused' | 'stalled' | 'failed' | 'stopped'

export interface TaskActivity {
  readonly state: ActivityState
  /** From when on (ISO 8601). */
  readonly since: string
  /** The same in plain words: `94 % of the time in put`. */
  readonly detail: string
  /** Of `waiting_for_batch`: how many records it has of how many, and when it goes on at the latest (ISO 8601; null: only when they are there). */
  readonly batch?: { readonly records: number; readonly of: number; readonly until: string | null }
  /** Of `retrying`: what failed, how often so far, and when it is tried again (ISO 8601; null: at once). */
  readonly retry?: { readonly attempt: number; readonly cause: string; readonly next_at: string | null }
  /** Of `stalled`: a call that does not return, a lag without progress, or a source that has a backlog and yields nothing. */
  readonly stall?: { readonly reason: 'call' | 'lag' | 'backlog'; readonly call?: string; readonly for_ms: number }
}

/** Restarts without anybody asking, where they are enabled (`millrace.restart.enable`) or a stall asks for them. */
export interface RestartInfo {
  readonly enabled: boolean
  /** In a row, since it last ran long enough. */
  readonly attempts: number
  readonly max: number
  /** When it is restarted (ISO 8601), or null. */
  readonly next_at: string | null
  /** It failed and is not restarted any more, for the reason that the log tells. */
  readonly given_up: boolean
  /** What the last of them was for, in one line. */
  readonly last_cause: string | null
}

/** What we add to the status of a task. */
export interface TaskProgress {
  readonly activity: TaskActivity
  /** Sinks: age of the oldest record that was not put yet, at most; 0 where there is none; null where that is not known, and for sources. */
  readonly lag_seconds: number | null
  /** Records per second, over the last minute at most. */
  readonly in_out: { readonly read_per_second: number; readonly written_per_second: number }
  readonly restarts?: RestartInfo
  readonly ledger: RecordLedger
  /** Milliseconds spent per stage since the task started. Source: poll, convert, transform, send. Sink: poll, convert, transform, put, commit. */
  readonly stage_time_ms: Readonly<Record<string, number>>
  /** When a record last ended (ISO 8601), or null. */
  readonly last_progress_at: string | null
  /** Records behind the end of the assigned partitions (sinks; null where unknown or for sources). */
  readonly lag: number | null
  readonly errors: RecordErrors
  /** Set where it is FAILED, by the worker that ran it. */
  readonly failure?: FailureReport
  /** Who saw this, and when (ISO 8601). */
  readonly observed_by: string
  readonly observed_at: string
  /** How the task was stopped, where it was not of its own accord: the rung of the stop ladder. */
  readonly stop?: 'stopped' | 'aborted' | 'terminated' | 'abandoned'
}

/** What a worker of a cluster asks another of: the progress of what that one runs. */
export interface ProgressQuery {
  readonly connectors: readonly string[]
  readonly tasks: readonly TaskId[]
}

/** What a worker knows of the progress of what it runs: of connectors by name, of tasks by `connector-task`. What it knows nothing of is left out. */
export interface WorkerProgress {
  readonly connectors: Readonly<Record<string, ConnectorProgress>>
  readonly tasks: Readonly<Record<string, TaskProgress>>
}

export interface ConnectorOffset {
  readonly partition: Readonly<Record<string, unknown>> | null
  readonly offset: Readonly<Record<string, unknown>> | null
}

export interface ConnectorOffsets {
  readonly offsets: readonly ConnectorOffset[]
}

export interface Message {
  readonly message: string
}

/** `POST /millrace/webhook/test`: what came of a notification. */
export interface WebhookTest {
  /** Whether the receiver took it. */
  readonly delivered: boolean
  /** The receiver's HTTP status; null where it gave none. */
  readonly status: number | null
  /** What went wrong, without the address, which may hold a secret; null where nothing did. */
  readonly error: string | null
  readonly took_ms: number
}

export interface ErrorMessage {
  readonly error_code: number
  readonly message: string
}

/** `GET /connectors?expand=status&expand=info`: per connector what was asked for. */
export type ConnectorsExpanded = Readonly<Record<string, { readonly status?: ConnectorStateInfo; readonly info?: ConnectorInfo }>>

export type ActiveTopicsInfo = Readonly<Record<string, { readonly topics: readonly string[] }>>

export interface PluginInfo {
  readonly class: string
  readonly type: 'source' | 'sink' | 'transformation' | 'predicate' | 'converter' | 'header_converter'
  /** Omitted where the plug-in has none. */
  readonly version?: string
  readonly millrace?: { readonly version: string; readonly location: string }
}

export interface ConfigKeyInfo {
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly default_value: string | null
  readonly importance: string
  readonly documentation: string
  readonly group: string | null
  readonly order_in_group: number
  readonly width: string
  readonly display_name: string
  readonly dependents: readonly string[]
}

export interface ConfigValueInfo {
  readonly name: string
  readonly value: string | null
  readonly recommended_values: readonly string[]
  readonly errors: readonly string[]
  readonly visible: boolean
}

export interface ConfigInfo {
  readonly definition: ConfigKeyInfo | null
  readonly value: ConfigValueInfo | null
}

/** `PUT /connector-plugins/{plugin}/config/validate`. */
export interface ConfigInfos {
  readonly name: string
  readonly error_count: number
  readonly groups: readonly string[]
  readonly configs: readonly ConfigInfo[]
}

export interface LoggerLevel {
  readonly level: string
  readonly last_modified: number | null
}

/**
 * Why a worker joined its group again: a worker came (`join`), or went (`leave`; `time-out` where its last states say that it did not stop in order); this worker's
 * own session ran out (`time-out`); a change of configurations; what had been taken away can be given out (`revocation`); work that waited for its owner no longer
 * waits (`delay`); the worker's first join (`start`); another worker wanted it (`group`).
 */
export type RebalanceTrigger = 'start' | 'join' | 'leave' | 'time-out' | 'configuration' | 'revocation' | 'delay' | 'group'

/** A connector, or a task of it, that a rebalance took from one worker or gave to another; workers by their REST URL. */
export interface RebalanceMove {
  readonly connector: string
  /** Absent for the connector itself. */
  readonly task?: number
  /** Null where nobody had it, or where this worker cannot know. */
  readonly from: string | null
  /** Null where nobody gets it for now, or where this worker cannot know. */
  readonly to: string | null
  /** For how long nobody had it, as far as the leader knows; null where it is new or the worker does not lead. */
  readonly paused_ms: number | null
}

/** One completed rebalance as one worker saw it. Only the leader sees who came and went and all that moved; others see their own part. */
export interface RebalanceEvent {
  /** When the assignment was there (ISO 8601). */
  readonly at: string
  readonly generation: number
  readonly trigger: RebalanceTrigger
  readonly reason: string
  /** From when this worker began to join. */
  readonly duration_ms: number
  readonly leader_url: string
  readonly is_leader: boolean
  /** The REST URLs of all workers; null where this worker does not lead. */
  readonly members: readonly string[] | null
  readonly joined: readonly string[]
  readonly left: readonly string[]
  /** At most 200 of `moved_count`. */
  readonly moved: readonly RebalanceMove[]
  readonly moved_count: number
  /** After how many milliseconds the group joins again for work that waits for its former owner; 0 for never. */
  readonly delay_ms: number
}

/** `GET /millrace/rebalances`: why did it rebalance? The last 100 that this worker took part in, the newest last. */
export interface RebalanceTimelineInfo {
  readonly observed_by: string
  readonly rebalances: readonly RebalanceEvent[]
}
