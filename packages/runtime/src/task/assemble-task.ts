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
import type { FromTaskThread, GroupMember, TaskStart } from '../thread/messages.ts'
import { AtLeastOnceDelivery } from './delivery-at-least-once.ts'
import { Ledger } from './ledger.ts'
import type { Occupancy } from './occupancy.ts'
import { Pause } from './pause.ts'
import { instanceOf, loadConverters, loadTransformations } from './plugin-instances.ts'
import { RegisteredMetrics } from './registered-metrics.ts'
import { SinkContext } from './sink-context.ts'
import { SinkConverters } from './sink-converters.ts'
import { SinkTaskLoop } from './sink-task.ts'
import { SourceConverters } from './source-converters.ts'
import { SourceTaskLoop } from './source-task.ts'
import { StageTimer } from './stage-timer.ts'
import { StoredOffsets } from './stored-offsets.ts'
import type { TaskEvents, TaskLoop } from './task-loop.ts'
import type { ThreadChannel } from './thread-channel.ts'
import { kafkaTopicAdmin, TopicCreation } from './topic-creation.ts'
import { TransformationChain } from './transformation-chain.ts'

/** What a task gets from the thread that hosts it. */
export interface TaskSurroundings {
  readonly channel: ThreadChannel<FromTaskThread>
  readonly occupancy: Occupancy
  readonly events: TaskEvents & {
    /** The consumer of a sink task is a member of a group, or no longer. */
    membership(member: GroupMember | null): void
  }
  /** Aborted when the task shall end. */
  readonly signal: AbortSignal
}

/** Loads the plug-ins of a task and puts its loop together. @throws where a plug-in cannot be loaded or refuses its configuration. */
export function assembleTask(start: TaskStart, surroundings: TaskSurroundings): Promise<TaskLoop> {
  return start.kind === 'source' ? assembleSourceTask(start, surroundings) : assembleSinkTask(start, surroundings)
}

async function assembleSourceTask(start: TaskStart, { channel, occupancy, events, signal }: TaskSurroundings): Promise<TaskLoop> {
  const origin = { connector: start.id.connector, task: start.id.task }
  const logger = channel.logger('org.apache.kafka.connect.runtime.WorkerSourceTask', origin)
  const { task, pluginLogger } = await taskInstance<SourceTask>(start, channel)
  const converters = new SourceConverters(await loadConverters(start.converters, pluginLogger))
  const transformations = new TransformationChain(await loadTransformations<SourceRecord>(start.transformations, pluginLogger))
  const offsets = new StoredOffsets(start.id.connector, (make) => channel.request(make), logger)

  const ledger = new Ledger()
  const delivery = new AtLeastOnceDelivery({
    task,
    ledger,
    offsetWriter: offsets,
    logger,
    offsetFlushIntervalMs: start.offsetFlushIntervalMs,
    offsetFlushTimeoutMs: start.offsetFlushTimeoutMs,
    topicUsed: (topic) => events.topicUsed(topic),
    afterCommit() {
      const imbalance = ledger.check(loop.inFlight)
      if (imbalance !== null) logger.error(imbalance)
      events.progressed()
    },
  })
  const admin = start.topicCreation === null ? null : kafkaTopicAdmin(new Admin(start.admin, { logger }))
  const loop: SourceTaskLoop = new SourceTaskLoop({
    task,
    properties: start.taskConfig,
    context: {
      logger: pluginLogger,
      metrics: new RegisteredMetrics(),
      signal,
      offsetStorageReader: offsets,
      transactionContext: null,
      configs: () => channel.request((request) => ({ type: 'read-task-config', request, id: start.id })),
    },
    transformations,
    converters,
    topics: new TopicCreation(start.topicCreation, admin, logger),
    producer: new Producer(start.producer, { logger }),
    delivery,
    offsets,
    pause: new Pause(start.targetState === 'PAUSED'),
    ledger,
    stages: new StageTimer(['poll', 'transform', 'convert', 'send']),
    occupancy,
    events,
    logger,
    signal,
  })
  return loop
}

async function assembleSinkTask(start: TaskStart, { channel, occupancy, events, signal }: TaskSurroundings): Promise<TaskLoop> {
  const logger = channel.logger('org.apache.kafka.connect.runtime.WorkerSinkTask', { connector: start.id.connector, task: start.id.task })
  const { task, pluginLogger } = await taskInstance<SinkTask>(start, channel)
  const converters = new SinkConverters(await loadConverters(start.converters, pluginLogger))
  const transformations = new TransformationChain(await loadTransformations<SinkRecord>(start.transformations, pluginLogger))
  const consumer = new Consumer(start.consumer, { logger, membershipChanged: (member) => events.membership(member) })
  const configs = () => channel.request<TaskStart['taskConfig']>((request) => ({ type: 'read-task-config', request, id: start.id }))
  return new SinkTaskLoop({
    task,
    properties: start.taskConfig,
    context: new SinkContext({ logger: pluginLogger, metrics: new RegisteredMetrics(), signal, configs, consumer }),
    subscription: subscriptionOf(start),
    consumer,
    converters,
    transformations,
    pause: new Pause(start.targetState === 'PAUSED'),
    ledger: new Ledger(),
    stages: new StageTimer(['poll', 'convert', 'transform', 'put', 'commit']),
    occupancy,
    events,
    logger,
    signal,
    offsetFlushIntervalMs: start.offsetFlushIntervalMs,
    offsetFlushTimeoutMs: start.offsetFlushTimeoutMs,
  })
}

/** A task's class is what its connector's class names; a connector that was never started tells it. */
async function taskInstance<Task>(start: TaskStart, channel: ThreadChannel<FromTaskThread>): Promise<{ task: Task; pluginLogger: Logger }> {
  const connector = (await instanceOf(start.plugin)) as Connector<ConnectorContext, Task>
  const TaskClass = connector.taskClass()
  const name = TaskClass.javaClass ?? TaskClass.name
  return { task: new TaskClass(), pluginLogger: channel.logger(name, { connector: start.id.connector, task: start.id.task }) }
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
