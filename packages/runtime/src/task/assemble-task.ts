import {
  ConnectError,
  type Connector,
  type ConnectorContext,
  javaRegExp,
  type Logger,
  type SinkRecord,
  type SinkTask,
  type SourceRecord,
  type SourceTask,
} from '@millrace/api'
import { Admin, Consumer, Producer } from '@millrace/kafka'
import { createDeadLetterTopic, type ConsumedMessage, DeadLetterQueue } from '../errors/dead-letter-queue.ts'
import { ErrorBudget } from '../errors/error-budget.ts'
import { ErrorCounters } from '../errors/error-counters.ts'
import { ErrorHandler, type ErrorReporter } from '../errors/error-handler.ts'
import { LogReporter } from '../errors/log-reporter.ts'
import { Retries } from '../errors/retries.ts'
import { newSecrets } from '../errors/secret-mask.ts'
import { KafkaBasedLog } from '../storage/kafka/kafka-based-log.ts'
import type { FromTaskThread, GroupMember, TaskStart } from '../thread/messages.ts'
import type { Activity } from './activity.ts'
import { AtLeastOnceDelivery } from './delivery-at-least-once.ts'
import { delay } from './event-loop.ts'
import { FailedRecords } from './failed-records.ts'
import { Lease } from './lease.ts'
import { ImbalanceError, Ledger } from './ledger.ts'
import type { Occupancy } from './occupancy.ts'
import type { OriginLog } from './origin-log.ts'
import { Pause } from './pause.ts'
import { type ContextOf, instanceOf, loadConverters, loadTransformations } from './plugin-instances.ts'
import { Quarantine } from './quarantine.ts'
import { consumedMessageText, sourceRecordText } from './record-text.ts'
import { SinkContext } from './sink-context.ts'
import { SinkConverters } from './sink-converters.ts'
import { SinkTaskLoop } from './sink-task.ts'
import { SourceConverters } from './source-converters.ts'
import { SourceDeadLetters } from './source-dead-letters.ts'
import { SourceTaskLoop } from './source-task.ts'
import { StageTimer } from './stage-timer.ts'
import { StoredOffsets } from './stored-offsets.ts'
import type { TaskEvents, TaskLoop } from './task-loop.ts'
import type { TaskMetrics } from './task-metrics.ts'
import { definedSecrets } from './task-secrets.ts'
import type { ThreadChannel } from './thread-channel.ts'
import { kafkaTopicAdmin, TopicCreation } from './topic-creation.ts'
import { TransformationChain } from './transformation-chain.ts'

/** How long the creation of the topic for keys in quarantine is tried, and how often. Milliseconds. */
const QUARANTINE_API_TIMEOUT_MS = 60_000
const RETRY_BACKOFF_MS = 100

/** What a task gets from the thread that hosts it. */
export interface TaskSurroundings {
  readonly channel: ThreadChannel<FromTaskThread>
  readonly log: OriginLog
  readonly occupancy: Occupancy
  readonly activity: Activity
  readonly events: TaskEvents & {
    /** The consumer of a sink task is a member of a group, or no longer. */
    membership(member: GroupMember | null): void
  }
  readonly metrics: TaskMetrics
  /** Aborted when the task shall end. */
  readonly signal: AbortSignal
}

/** Loads the plug-ins of a task and puts its loop together. @throws where a plug-in cannot be loaded or refuses its configuration. */
export function assembleTask(start: TaskStart, surroundings: TaskSurroundings): Promise<TaskLoop> {
  return start.kind === 'source' ? assembleSourceTask(start, surroundings) : assembleSinkTask(start, surroundings)
}

async function assembleSourceTask(start: TaskStart, { channel, log, occupancy, activity, events, metrics, signal }: TaskSurroundings): Promise<TaskLoop> {
  const logger = log.logger('org.apache.kafka.connect.runtime.WorkerSourceTask')
  const { task, pluginLogger } = await taskInstance<SourceTask>(start, log)
  const errorCounters = new ErrorCounters()
  const retries = retriesOf(start, errorCounters, activity, signal)
  const errors = new ErrorHandler<SourceRecord>({
    tolerance: start.errors.tolerance,
    reporters: logReporters(start, sourceRecordText, errorCounters, log),
    counters: errorCounters,
    budget: new ErrorBudget(start.recordFailures.budget),
    tracesPerSecondMax: start.recordFailures.tracesPerSecondMax,
  })
  const contextOf: ContextOf = (part) => ({ logger: pluginLogger, metrics: metrics.plugin(part) })
  const converters = new SourceConverters(await loadConverters(start.converters, contextOf, log.secrets), retries)
  const transformations = new TransformationChain(await loadTransformations<SourceRecord>(start.transformations, contextOf, log.secrets), retries)
  const offsets = new StoredOffsets(start.id.connector, (make) => channel.request(make), logger)

  const ledger = new Ledger()
  const deadLetters = start.errors.deadLetterQueue === null ? null : new SourceDeadLetters((error) => delivery.fail(error))
  const ended = (message: ConsumedMessage, failure: Error | null) => deadLetters?.ended(message, failure)
  const queue = await assembleDeadLetterQueue(start, errorCounters, ended, logger, log.secrets.mask, metrics)
  if (queue !== null) deadLetters?.use(queue)
  const delivery: AtLeastOnceDelivery = new AtLeastOnceDelivery({
    task,
    ledger,
    errors,
    deadLetters,
    offsetWriter: offsets,
    activity,
    logger,
    offsetFlushIntervalMs: start.offsetFlushIntervalMs,
    offsetFlushTimeoutMs: start.offsetFlushTimeoutMs,
    topicUsed: (topic) => events.topicUsed(topic),
    afterCommit(isSuccess, tookMs) {
      metrics.committed(isSuccess, tookMs)
      const imbalance = ledger.check(loop.inFlight)
      if (imbalance !== null) {
        logger.error(imbalance)
        if (start.recordFailures.imbalanceAction === 'fail') delivery.fail(new ImbalanceError(imbalance))
      }
      events.progressed()
    },
  })
  const admin = start.topicCreation === null ? null : kafkaTopicAdmin(metrics.client(new Admin(start.admin, { logger })))
  metrics.observe({ ledger, errors: errorCounters })
  const loop: SourceTaskLoop = new SourceTaskLoop({
    task,
    properties: start.taskConfig,
    context: {
      logger: pluginLogger,
      metrics: metrics.plugin(),
      signal,
      offsetStorageReader: offsets,
      transactionContext: null,
      configs: () => currentConfig(start, channel, log),
      fieldCoerced: (path) => ledger.fieldCoerced(path),
    },
    transformations,
    converters,
    errors,
    errorCounters,
    topics: new TopicCreation(start.topicCreation, admin, logger),
    producer: metrics.client(new Producer(start.producer, { logger })),
    delivery,
    deadLetters,
    offsets,
    lease: new Lease(() => channel.request((request) => ({ type: 'read-lease', request }))),
    pause: new Pause(start.targetState === 'PAUSED'),
    ledger,
    stages: new StageTimer(['poll', 'transform', 'convert', 'send']),
    metrics,
    occupancy,
    activity,
    events,
    logger,
    signal,
  })
  return loop
}

async function assembleSinkTask(start: TaskStart, { channel, log, occupancy, activity, events, metrics, signal }: TaskSurroundings): Promise<TaskLoop> {
  const logger = log.logger('org.apache.kafka.connect.runtime.WorkerSinkTask')
  const { task, pluginLogger } = await taskInstance<SinkTask>(start, log)
  const errorCounters = new ErrorCounters()
  const retries = retriesOf(start, errorCounters, activity, signal)
  const contextOf: ContextOf = (part) => ({ logger: pluginLogger, metrics: metrics.plugin(part) })
  const converterSet = await loadConverters(start.converters, contextOf, log.secrets)
  const converters = new SinkConverters(converterSet, retries)
  const transformations = new TransformationChain(await loadTransformations<SinkRecord>(start.transformations, contextOf, log.secrets), retries)
  const ledger = new Ledger()
  const ended = (message: ConsumedMessage, failure: Error | null) => failedRecords.ended(message, failure)
  const deadLetterQueue = await assembleDeadLetterQueue(start, errorCounters, ended, logger, log.secrets.mask, metrics)
  const reporters = [...logReporters(start, consumedMessageText, errorCounters, log), ...(deadLetterQueue === null ? [] : [deadLetterQueue])]
  const { put, tracesPerSecondMax } = start.recordFailures
  const budget = new ErrorBudget(start.recordFailures.budget)
  const quarantine = assembleQuarantine(start, (error) => failedRecords.fail(error), logger)
  const failedRecords: FailedRecords = new FailedRecords({
    handler: new ErrorHandler<ConsumedMessage>({ tolerance: start.errors.tolerance, reporters, counters: errorCounters, budget, tracesPerSecondMax }),
    putHandler: put.isTolerated ? new ErrorHandler<ConsumedMessage>({ tolerance: 'all', reporters, counters: errorCounters, budget }) : null,
    areLettersNeeded: put.isTolerated || quarantine !== null,
    quarantine:
      quarantine === null
        ? null
        : { keys: quarantine, handler: new ErrorHandler<ConsumedMessage>({ tolerance: 'all', reporters, counters: errorCounters, budget: null }) },
    queue: deadLetterQueue,
    isReportable: reporters.length > 0,
    converters: converterSet,
    ledger,
  })
  const consumer = metrics.client(new Consumer(start.consumer, { logger, membershipChanged: (member) => events.membership(member) }))
  metrics.observeSink({ ledger, errors: errorCounters }, consumer)
  const configs = () => currentConfig(start, channel, log)
  return new SinkTaskLoop({
    task,
    properties: start.taskConfig,
    context: new SinkContext({
      logger: pluginLogger,
      metrics: metrics.plugin(),
      signal,
      configs,
      consumer,
      errantRecordReporter: failedRecords.reporter,
      gathers: (batch) => activity.gathers(batch),
      fieldCoerced: (path) => ledger.fieldCoerced(path),
    }),
    subscription: subscriptionOf(start),
    consumer,
    converters,
    transformations,
    failedRecords,
    errorCounters,
    pause: new Pause(start.targetState === 'PAUSED'),
    ledger,
    stages: new StageTimer(['poll', 'convert', 'transform', 'put', 'commit']),
    metrics,
    occupancy,
    activity,
    events,
    logger,
    signal,
    offsetFlushIntervalMs: start.offsetFlushIntervalMs,
    offsetFlushTimeoutMs: start.offsetFlushTimeoutMs,
    putAttemptsMax: put.attemptsMax,
    imbalanceAction: start.recordFailures.imbalanceAction,
  })
}

/** The task's configuration with references resolved again. Secrets may have changed since it was started. */
async function currentConfig({ id, taskConfig }: TaskStart, channel: ThreadChannel<FromTaskThread>, log: OriginLog): Promise<TaskStart['taskConfig']> {
  const config = await channel.request<TaskStart['taskConfig']>((request) => ({ type: 'read-task-config', request, id }))
  log.secrets.add(newSecrets(log.secrets, taskConfig, config))
  return config
}

function retriesOf({ errors }: TaskStart, counters: ErrorCounters, activity: Activity, signal: AbortSignal): Retries {
  return new Retries({
    timeoutMs: errors.retryTimeoutMs,
    delayMaxMs: errors.retryDelayMaxMs,
    counters,
    signal,
    pause: delay,
    retrying: (attempt, error, delayMs) => activity.retries(attempt, error, delayMs),
    ended: () => activity.recovered(),
  })
}

function logReporters<Original>(
  { id, errors }: TaskStart,
  describe: (original: Original) => string,
  counters: ErrorCounters,
  log: OriginLog,
): ErrorReporter<Original>[] {
  if (!errors.isLogged) return []
  const logger = log.logger('org.apache.kafka.connect.runtime.errors.LogReporter')
  return [new LogReporter<Original>({ id, describe: errors.areMessagesLogged ? describe : null, counters, logger })]
}

async function assembleDeadLetterQueue(
  { id, errors, deadLetterClients }: TaskStart,
  counters: ErrorCounters,
  ended: (message: ConsumedMessage, failure: Error | null) => void,
  logger: Logger,
  mask: (text: string) => string,
  metrics: TaskMetrics,
): Promise<DeadLetterQueue | null> {
  if (errors.deadLetterQueue === null || deadLetterClients === null) return null
  const { topic, replicationFactor, hasContextHeaders } = errors.deadLetterQueue
  await createDeadLetterTopic(kafkaTopicAdmin(new Admin(deadLetterClients.admin, { logger })), topic, replicationFactor, logger)
  return new DeadLetterQueue({
    id,
    topic,
    hasContextHeaders,
    producer: metrics.client(new Producer(deadLetterClients.producer, { logger })),
    counters,
    ended,
    mask,
    logger,
  })
}

function assembleQuarantine(
  { id, errors, recordFailures, deadLetterClients, consumer }: TaskStart,
  failed: (error: Error) => void,
  logger: Logger,
): Quarantine | null {
  if (recordFailures.quarantine === null || errors.deadLetterQueue === null || deadLetterClients === null) return null
  const { topic, keysMax } = recordFailures.quarantine
  const { 'group.id': _, 'group.instance.id': __, ...reading } = consumer
  const clientId = `connector-quarantine-${id.connector}-${id.task}`
  const admin = new Admin({ ...deadLetterClients.admin, 'client.id': clientId }, { logger })
  const log = new KafkaBasedLog({
    topic: {
      name: topic,
      property: 'millrace.errors.quarantine.topic.name',
      purpose: 'keys in quarantine',
      partitions: 1,
      replicationFactor: errors.deadLetterQueue.replicationFactor,
      settings: {},
    },
    clients: {
      producer: { ...deadLetterClients.producer, 'client.id': clientId },
      consumer: { ...reading, 'client.id': clientId },
      apiTimeoutMs: QUARANTINE_API_TIMEOUT_MS,
      retryBackoffMs: RETRY_BACKOFF_MS,
    },
    admin,
    read: (record) => quarantine.read(record),
    logger,
  })
  const quarantine: Quarantine = new Quarantine({
    connector: id.connector,
    keysMax,
    failed,
    logger,
    log: {
      start: () => log.start(),
      readToEnd: () => log.readToEnd(),
      append: (entries) => log.append(entries),
      async stop() {
        await log.stop()
        await admin.close()
      },
    },
  })
  return quarantine
}

/** A task's class is what its connector's class names; a connector that was never started tells it. */
async function taskInstance<Task>(start: TaskStart, log: OriginLog): Promise<{ task: Task; pluginLogger: Logger }> {
  const connector = (await instanceOf(start.plugin)) as Connector<ConnectorContext, Task>
  log.secrets.add(definedSecrets(connector, start.connectorConfig, start.taskConfig))
  const TaskClass = connector.taskClass()
  const name = TaskClass.javaClass ?? TaskClass.name
  return { task: new TaskClass(), pluginLogger: log.logger(name) }
}

function subscriptionOf({ taskConfig }: TaskStart): { topics: string[] } | { pattern: RegExp } {
  const { topics, 'topics.regex': regex } = taskConfig
  if (regex !== undefined && regex.trim() !== '') return { pattern: javaRegExp(regex.trim()) }
  const names = (topics ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.length === 0) throw new ConnectError('Sink tasks require a list of topics.')
  return { topics: names }
}
