import type { Properties } from '@millrace/api'
import type { ConfigKeyInfo, TaskId, TaskProgress } from '@millrace/rest-api'
import type { ErrorsConfig } from '../config/errors-config.ts'
import type { RecordFailuresConfig } from '../config/record-failures-config.ts'
import type { TopicCreationConfig } from '../config/topic-creation-config.ts'
import type { Failure } from '../errors/failure.ts'
import type { PluginDescriptor } from '../plugins/plugin-registry.ts'

/*
 * Every message between the main thread and its threads. All of them are plain data, so that a thread could become a process.
 *
 * Requests carry an id that is unique per sender; exactly one `Answer` or `Refusal` with the same id comes back, unless the thread ends first:
 * then all requests that were pending on it fail.
 */

/** The answer to the request with this id. */
export interface Answer {
  readonly type: 'answer'
  readonly request: number
  readonly value: unknown
}

/** The request with this id failed. */
export interface Refusal {
  readonly type: 'refusal'
  readonly request: number
  readonly failure: Failure
}

/** A plug-in and the properties it is configured with (prefixes removed). */
export interface PluginUse {
  readonly descriptor: PluginDescriptor
  readonly properties: Properties
}

/** A transformation, and what decides whether a record passes it. */
export interface TransformationUse extends PluginUse {
  readonly alias: string
  /** Null: every record passes it. */
  readonly predicate: (PluginUse & { readonly alias: string; readonly isNegated: boolean }) | null
}

// ─── what a thread is started with ───────────────────────────────────────────────────────────────

/** `workerData` of every thread. */
export interface ThreadStart {
  /** The module that makes it a thread of its kind. */
  readonly entry: string
  /** What `shared-marker.ts` lays out: who is inside a synchronous call, and the thread's heartbeat. */
  readonly marker: SharedArrayBuffer
  /** The longest pause between two beats. Milliseconds. */
  readonly heartbeatIntervalMsMax: number
  readonly logLevels: LogLevels
}

// ─── main thread → task thread ───────────────────────────────────────────────────────────────────

/** Everything that a task needs; its client settings are final. */
export interface TaskStart {
  readonly id: TaskId
  /** Tells this run of the task from earlier and later ones; events carry it back. */
  readonly incarnation: number
  readonly kind: 'source' | 'sink'
  readonly plugin: PluginDescriptor
  readonly connectorConfig: Properties
  readonly taskConfig: Properties
  /** What configuration providers gave for references in them. Never shown or logged. */
  readonly secrets: readonly string[]
  readonly targetState: 'STARTED' | 'PAUSED'
  readonly converters: { readonly key: PluginUse; readonly value: PluginUse; readonly header: PluginUse }
  readonly transformations: readonly TransformationUse[]
  /** Source tasks: the producer's settings. Sink tasks: empty. */
  readonly producer: Properties
  /** Sink tasks: the consumer's settings. Source tasks: empty. */
  readonly consumer: Properties
  /** Source tasks that create topics: the admin client's settings. */
  readonly admin: Properties
  readonly topicCreation: TopicCreationConfig | null
  readonly errors: ErrorsConfig
  readonly recordFailures: RecordFailuresConfig
  /** Clients of the dead-letter queue; null where there is none. */
  readonly deadLetterClients: { readonly producer: Properties; readonly admin: Properties } | null
  /** Milliseconds. */
  readonly offsetFlushIntervalMs: number
  readonly offsetFlushTimeoutMs: number
  readonly topicTrackingEnable: boolean
  /** `metrics.sample.window.ms` and `metrics.num.samples`. */
  readonly metricWindows: { readonly windowMs: number; readonly samples: number }
}

/** Answered with null when the thread has the task; what becomes of it is told by `task-state`. */
export interface StartTask {
  readonly type: 'start-task'
  readonly request: number
  readonly task: TaskStart
}

/** Asks a task to end: its signal is aborted at once. Answered with null when it has ended, offsets committed and everything released. */
export interface StopTask {
  readonly type: 'stop-task'
  readonly request: number
  readonly id: TaskId
}

/** The time to stop is over: clients are closed at once and nothing is committed any more. The pending `stop-task` is answered if that ends the task. */
export interface CancelTask {
  readonly type: 'cancel-task'
  readonly id: TaskId
}

/** Pauses or resumes a task; takes effect between two batches. */
export interface SetTaskTargetState {
  readonly type: 'set-task-target-state'
  readonly id: TaskId
  readonly state: 'STARTED' | 'PAUSED'
}

/** The topics of the task's connector were reset: the task tells of each of them again when it next uses it. */
export interface ForgetTopics {
  readonly type: 'forget-topics'
  readonly id: TaskId
}

/** Answered with a `ProgressSnapshot` for each, in their order; null where the thread does not have the task. */
export interface ReadProgress {
  readonly type: 'read-progress'
  readonly request: number
  readonly ids: readonly TaskId[]
}

/** Answered with `ReportedProgress[]`: of all tasks of the thread at once. */
export interface ReadAllProgress {
  readonly type: 'read-all-progress'
  readonly request: number
}

export interface ReportedProgress {
  readonly incarnation: number
  readonly progress: ProgressSnapshot
}

/** Answered with `ThreadMetrics`: of all that the thread runs at once. */
export interface ReadMetrics {
  readonly type: 'read-metrics'
  readonly request: number
  readonly style: 'short' | 'full'
}

/** Metrics of a thread and of what it runs, as lines for Prometheus: the thread writes them, so that they cost the main thread next to nothing. */
export interface ThreadMetrics {
  /** `length`: of its lines, in bytes. */
  readonly families: readonly { readonly name: string; readonly type: 'counter' | 'gauge'; readonly help: string; readonly length: number }[]
  /** The lines of all of them, one after the other. */
  readonly bytes: Uint8Array
}

/** Answered with the number of the thread's requests in libuv's thread pool: files, name look-ups, hashing, compression. */
export interface CountPoolRequests {
  readonly type: 'count-pool-requests'
  readonly request: number
}

/** Levels were changed. */
export interface ChangeLogLevels {
  readonly type: 'change-log-levels'
  readonly levels: LogLevels
}

/** Nobody reads the process's standard output any longer: whatever the thread writes there fails from now on. */
export interface StandardOutputLost {
  readonly type: 'standard-output-lost'
}

export type ToTaskThread =
  | StartTask
  | StopTask
  | CancelTask
  | SetTaskTargetState
  | ForgetTopics
  | ReadProgress
  | ReadAllProgress
  | ReadMetrics
  | CountPoolRequests
  | ChangeLogLevels
  | StandardOutputLost
  | Answer
  | Refusal

// ─── task thread → main thread ───────────────────────────────────────────────────────────────────

/** The thread listens. The first message of every thread. */
export interface ThreadReady {
  readonly type: 'ready'
}

export interface TaskStateChanged {
  readonly type: 'task-state'
  readonly id: TaskId
  readonly incarnation: number
  readonly state: 'RUNNING' | 'PAUSED' | 'FAILED' | 'UNASSIGNED'
  /** Set exactly for FAILED. */
  readonly failure: Failure | null
}

/** The last act of a task in a thread: everything of it is released. Follows UNASSIGNED and FAILED. */
export interface TaskEnded {
  readonly type: 'task-ended'
  readonly id: TaskId
  readonly incarnation: number
  /** What failed after the failure that was told. */
  readonly laterFailures: number
  readonly progress: ProgressSnapshot
}

export interface TopicUsed {
  readonly type: 'topic-used'
  readonly id: TaskId
  readonly incarnation: number
  readonly topic: string
}

/** The consumer of a sink task joined a group, or left it (null). Lets the main thread leave on its behalf. */
export interface MembershipChanged {
  readonly type: 'membership'
  readonly id: TaskId
  readonly incarnation: number
  readonly member: GroupMember | null
}

export interface GroupMember {
  readonly groupId: string
  readonly memberId: string
  readonly generation: number
}

/** Sent after each commit of offsets, so that a last known value exists where a thread stops answering. */
export interface ProgressReported {
  readonly type: 'progress'
  readonly id: TaskId
  readonly incarnation: number
  readonly progress: ProgressSnapshot
}

/** What a task knows of its progress. */
export type ProgressSnapshot = Omit<TaskProgress, 'observed_by' | 'observed_at' | 'stop' | 'activity' | 'in_out' | 'restarts'> & {
  readonly facts: ActivityFacts
}

/** A call of a task's plug-ins, as their contracts name them; `transform` and `convert` only where they return promises; `room`: the wait for Kafka to take more. */
export type TaskCall = 'start' | 'poll' | 'put' | 'open' | 'close' | 'preCommit' | 'flush' | 'commit' | 'stop' | 'transform' | 'convert' | 'room'

/** What a task does just now, as its thread knows it; what that means is concluded by the main thread. Durations are up to the moment of the answer. */
export interface ActivityFacts {
  /** `starting`: until `start` has returned. `ended`: nothing of it runs any more. */
  readonly phase: 'starting' | 'running' | 'paused' | 'ended'
  readonly phaseForMs: number
  /** Calls that have not returned, the longest first. */
  readonly calls: readonly { readonly call: TaskCall; readonly forMs: number }[]
  /** What failed and will be tried again: how often so far, for how long, and when next (0 or less: now; null: at once). */
  readonly retry: { readonly attempt: number; readonly cause: string; readonly forMs: number; readonly nextInMs: number | null } | null
  /** What a sink says of the batch that it gathers; `untilMs` since the epoch. */
  readonly batch: { readonly records: number; readonly of: number; readonly untilMs: number | null; readonly forMs: number } | null
  /** Since a batch with records was read; null: none yet. */
  readonly readForMs: number | null
  /** Whether the consumer of a sink is in its group, and for how long; null for sources. */
  readonly group: { readonly isMember: boolean; readonly forMs: number } | null
  /** For how long Kafka owes the group of a sink an answer; 0 for not at all. */
  readonly silentForMs: number
  /** Records that `put` took; 0 for sources. */
  readonly delivered: number
  /** What the source says; null where it does not. */
  readonly hasBacklog: boolean | null
  /** Partitions that a sink has; null for sources. */
  readonly assigned: number | null
  /** How many of them the sink itself has paused. */
  readonly pausedByTask: number
}

/** Something failed that belongs to no task: all tasks of the thread have to start elsewhere. */
export interface ThreadFailed {
  readonly type: 'thread-failed'
  readonly failure: Failure
}

/** Answered with one `Uint8Array | null` per key. */
export interface ReadOffsets {
  readonly type: 'read-offsets'
  readonly request: number
  readonly connector: string
  readonly keys: readonly Uint8Array[]
}

/** Answered with null when the offsets are durable. */
export interface WriteOffsets {
  readonly type: 'write-offsets'
  readonly request: number
  readonly connector: string
  readonly entries: readonly { readonly key: Uint8Array; readonly value: Uint8Array | null }[]
}

/** Asks for how long nobody else can have been given what this worker runs. Answered with milliseconds: 0 or less for not at all, Infinity outside of a cluster. */
export interface ReadLease {
  readonly type: 'read-lease'
  readonly request: number
}

/** Answered with the task's configuration, references of configuration providers resolved again. */
export interface ReadTaskConfig {
  readonly type: 'read-task-config'
  readonly request: number
  readonly id: TaskId
}

export interface LogLine {
  readonly type: 'log'
  readonly level: LogLevel
  /** Name of the logger as the original has it, or the plug-in's class name. */
  readonly logger: string
  readonly connector: string | null
  /** Null: the connector itself. */
  readonly task: number | null
  readonly message: string
  /** Java-like trace of the error that was logged with it, or null. */
  readonly trace: string | null
}

export type LogLevel = 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' | 'FATAL' | 'OFF'

/** Level by logger name; the longest name that is equal, or a prefix up to a dot, decides; `root` for all others. */
export type LogLevels = Readonly<Record<string, LogLevel>>

export type FromTaskThread =
  | ThreadReady
  | TaskStateChanged
  | TaskEnded
  | TopicUsed
  | MembershipChanged
  | ProgressReported
  | ThreadFailed
  | ReadOffsets
  | WriteOffsets
  | ReadLease
  | ReadTaskConfig
  | LogLine
  | Answer
  | Refusal

// ─── main thread ⇄ connector thread ──────────────────────────────────────────────────────────────

/** Answered with null when the instance runs; refused where its start failed. */
export interface StartConnector {
  readonly type: 'start-connector'
  readonly request: number
  readonly name: string
  readonly incarnation: number
  readonly plugin: PluginDescriptor
  readonly config: Properties
  /** As of `TaskStart`. */
  readonly secrets: readonly string[]
}

/** Answered with null when `stop` returned; a failure of it is answered as a refusal, the instance is gone all the same. */
export interface StopConnector {
  readonly type: 'stop-connector'
  readonly request: number
  readonly name: string
}

/** Answered with `GeneratedTaskConfigs`. */
export interface GenerateTaskConfigs {
  readonly type: 'generate-task-configs'
  readonly request: number
  readonly name: string
  readonly tasksMax: number
}

export interface GeneratedTaskConfigs {
  /** `task.class`. */
  readonly taskClass: string
  readonly configs: readonly Properties[]
}

export type ToConnectorThread = StartConnector | StopConnector | GenerateTaskConfigs | ReadMetrics | ChangeLogLevels | Answer | Refusal

/** The connector called `raiseError`, or failed asynchronously. */
export interface ConnectorFailed {
  readonly type: 'connector-failed'
  readonly name: string
  readonly incarnation: number
  readonly failure: Failure
}

export interface TaskReconfigurationRequested {
  readonly type: 'task-reconfiguration'
  readonly name: string
  readonly incarnation: number
}

export type FromConnectorThread = ThreadReady | ConnectorFailed | TaskReconfigurationRequested | ThreadFailed | ReadOffsets | LogLine | Answer | Refusal

// ─── main thread ⇄ validation thread ─────────────────────────────────────────────────────────────

/** Answered with `ValidationResult`. */
export interface ValidateConfig {
  readonly type: 'validate-config'
  readonly request: number
  readonly plugin: PluginDescriptor
  readonly properties: Properties
}

/** Answered with the plug-in's `ConfigKeyInfo`s, in the order of their definition. */
export interface ReadConfigDef {
  readonly type: 'read-config-def'
  readonly request: number
  readonly plugin: PluginDescriptor
}

/** Answered with what `alterOffsets` of the connector says; with false where it has no such method. */
export interface AlterOffsets {
  readonly type: 'alter-offsets'
  readonly request: number
  readonly plugin: PluginDescriptor
  readonly properties: Properties
  /** As the method of its kind of connector takes them. */
  readonly offsets: readonly object[]
}

/** A `ConfigValue` of the api as plain data: values in Java's text form, passwords hidden. */
export interface PlainConfigValue {
  readonly name: string
  readonly value: string | null
  readonly recommendedValues: readonly string[]
  readonly errorMessages: readonly string[]
  readonly visible: boolean
}

export interface ValidationResult {
  /** The plug-in's own keys, in the order of their definition. */
  readonly configKeys: readonly ConfigKeyInfo[]
  readonly groups: readonly string[]
  readonly values: readonly PlainConfigValue[]
}

export type ToValidationThread = ValidateConfig | ReadConfigDef | AlterOffsets | ChangeLogLevels
export type FromValidationThread = ThreadReady | LogLine | ThreadFailed | Answer | Refusal
