import { AsyncLocalStorage } from 'node:async_hooks'
import { parentPort, workerData } from 'node:worker_threads'
import { ConnectError, type Connector, type SinkConnectorContext, type SourceConnectorContext, type SourceTask, type SinkTask } from '@millrace/api'
import { type Failure, FailureError, failureOf } from '../errors/failure.ts'
import { reported } from '../errors/failure-report.ts'
import { secretsIn } from '../errors/secret-mask.ts'
import type { Metric } from '../metrics/metric.ts'
import { OriginLog } from '../task/origin-log.ts'
import { instanceOf } from '../task/plugin-instances.ts'
import { RegisteredMetrics } from '../task/registered-metrics.ts'
import { StoredOffsets } from '../task/stored-offsets.ts'
import { definedSecrets } from '../task/task-secrets.ts'
import { ThreadChannel } from '../task/thread-channel.ts'
import { ThreadMeter } from '../task/thread-meter.ts'
import { beatRegularly } from '../thread/heartbeat.ts'
import type { FromConnectorThread, GeneratedTaskConfigs, StartConnector, ThreadStart, ToConnectorThread } from '../thread/messages.ts'
import { answer } from '../thread/requests.ts'
import { ThreadMarker } from '../thread/thread-marker.ts'

/*
 * The entry of the thread that connector instances live in. What they do is attributed to them by `AsyncLocalStorage`, so that an error that
 * nobody awaited fails the connector that it came from and no other.
 */

type AnyConnector = Connector<SourceConnectorContext & SinkConnectorContext, SourceTask | SinkTask>

interface Instance {
  readonly start: StartConnector
  readonly stopped: AbortController
  readonly log: OriginLog
  readonly metrics: RegisteredMetrics
  connector: AnyConnector | null
  /** Calls of one instance follow one another. */
  turn: Promise<unknown>
}

if (parentPort === null) throw new Error('A connector thread is started by the worker, not by itself')
const port = parentPort
const { marker: markerBuffer, heartbeatIntervalMsMax, logLevels } = workerData as ThreadStart
const marker = new ThreadMarker(markerBuffer)
const channel = new ThreadChannel<FromConnectorThread>(port, logLevels)
const origin = new AsyncLocalStorage<Instance>()
const meter = new ThreadMeter('connector', marker)
const instances = new Map<string, Instance>()

process.on('uncaughtException', attribute)
process.on('unhandledRejection', attribute)
beatRegularly(marker, heartbeatIntervalMsMax, (lateMs) => meter.beat(lateMs))
port.on('message', (message: ToConnectorThread) => receive(message))
channel.post({ type: 'ready' })

function receive(message: ToConnectorThread): void {
  switch (message.type) {
    case 'start-connector':
      return reply(message.request, () => startConnector(message))
    case 'stop-connector':
      return reply(message.request, () => stopConnector(message.name))
    case 'generate-task-configs':
      return reply(message.request, () => generateTaskConfigs(message.name, message.tasksMax))
    case 'read-metrics':
      return reply(message.request, () => meter.read(message.style, metricSources()))
    case 'change-log-levels':
      return channel.setLevels(message.levels)
    case 'answer':
    case 'refusal':
      return channel.settle(message)
  }
}

function reply(request: number, work: () => Promise<unknown>): void {
  void answer((message) => channel.post(message), request, work)
}

/** What a connector's own gauges do is on its account. */
function metricSources(): (() => readonly Metric[])[] {
  return [...instances.values()].map(
    (instance) => () => marker.call(instance.start.incarnation, 'metrics', () => origin.run(instance, () => instance.metrics.list())),
  )
}

function startConnector(start: StartConnector): Promise<null> {
  const instance: Instance = {
    start,
    stopped: new AbortController(),
    log: new OriginLog(channel, { connector: start.name, task: null }, [...start.secrets, ...secretsIn(start.config)]),
    metrics: new RegisteredMetrics({ connector: start.name }),
    connector: null,
    turn: Promise.resolve(),
  }
  instances.set(start.name, instance)
  return inTurn(instance, 'start', async () => {
    const connector = (await instanceOf(start.plugin)) as AnyConnector
    instance.connector = connector
    instance.log.secrets.add(definedSecrets(connector, start.config))
    const context = contextOf(instance)
    await marker.call(start.incarnation, 'start', () => connector.start(start.config, context))
    return null
  })
}

async function stopConnector(name: string): Promise<null> {
  const instance = instances.get(name)
  if (!instance) return null
  instances.delete(name)
  instance.stopped.abort()
  return inTurn(instance, 'stop', async () => {
    await marker.call(instance.start.incarnation, 'stop', () => instance.connector?.stop())
    return null
  })
}

async function generateTaskConfigs(name: string, tasksMax: number): Promise<GeneratedTaskConfigs> {
  const instance = instances.get(name)
  if (!instance) throw new ConnectError(`Connector ${name} is not running`)
  return inTurn(instance, 'taskConfigs', async () => {
    const { connector, start } = instance
    if (!connector) throw new ConnectError(`Connector ${name} is not running`)
    const taskClass = marker.call(start.incarnation, 'taskConfigs', () => connector.taskClass())
    const configs = await marker.call(start.incarnation, 'taskConfigs', () => connector.taskConfigs(tasksMax))
    return { taskClass: taskClass.javaClass ?? taskClass.name, configs }
  })
}

/** Runs `work` after what the instance is doing now, attributed to it. @param call of the connector, for the report of a failure. */
function inTurn<T>(instance: Instance, call: string, work: () => Promise<T>): Promise<T> {
  const result = instance.turn
    .then(() => origin.run(instance, work))
    .catch((error: unknown) => {
      throw new FailureError(failureIn(instance, error, call))
    })
  instance.turn = result.catch(() => {
    // Told to whoever asked for it.
  })
  return result
}

/** What is told of an error of an instance. */
function failureIn({ start, log }: Instance, error: unknown, call?: string): Failure {
  const place = { connector: start.name, ...(call === undefined ? {} : { stage: call }) }
  return reported(failureOf(error), place, log.events.list(log.secrets.mask), { mask: log.secrets.mask })
}

function contextOf(instance: Instance): SourceConnectorContext & SinkConnectorContext {
  const { start, stopped, log, metrics } = instance
  const { name, incarnation } = start
  const logger = log.logger(start.plugin.className)
  return {
    logger,
    metrics,
    signal: stopped.signal,
    offsetStorageReader: new StoredOffsets(name, (make) => channel.request(make as (request: number) => FromConnectorThread), logger),
    requestTaskReconfiguration: () => channel.post({ type: 'task-reconfiguration', name, incarnation }),
    raiseError: (error) => channel.post({ type: 'connector-failed', name, incarnation, failure: failureIn(instance, error) }),
  }
}

/** Fails the connector that the error came from; where that cannot be told, the main thread gives all connectors of this thread a new one. */
function attribute(error: unknown): void {
  const instance = origin.getStore()
  if (!instance) return channel.post({ type: 'thread-failed', failure: failureOf(error) })
  const { name, incarnation } = instance.start
  channel.post({ type: 'connector-failed', name, incarnation, failure: failureIn(instance, error) })
}
