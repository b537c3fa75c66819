import { AsyncLocalStorage } from 'node:async_hooks'
import { parentPort, workerData } from 'node:worker_threads'
import { ConnectError, type Connector, type SinkConnectorContext, type SourceConnectorContext, type SourceTask, type SinkTask } from '@millrace/api'
import { failureOf } from '../errors/failure.ts'
import type { Metric } from '../metrics/metric.ts'
import { instanceOf } from '../task/plugin-instances.ts'
import { RegisteredMetrics } from '../task/registered-metrics.ts'
import { StoredOffsets } from '../task/stored-offsets.ts'
import { ThreadChannel } from '../task/thread-channel.ts'
import { ThreadMeter } from '../task/thread-meter.ts'
import type { FromConnectorThread, GeneratedTaskConfigs, StartConnector, ThreadStart, ToConnectorThread } from '../thread/messages.ts'
import { answer } from '../thread/requests.ts'
import { HEARTBEAT_INTERVAL_MS, ThreadMarker } from '../thread/thread-marker.ts'

/*
 * The entry of the thread that connector instances live in. What they do is attributed to them by `AsyncLocalStorage`, so that an error that
 * nobody awaited fails the connector that it came from and no other.
 */

type AnyConnector = Connector<SourceConnectorContext & SinkConnectorContext, SourceTask | SinkTask>

interface Instance {
  readonly start: StartConnector
  readonly stopped: AbortController
  readonly metrics: RegisteredMetrics
  connector: AnyConnector | null
  /** Calls of one instance follow one another. */
  turn: Promise<unknown>
}

if (parentPort === null) throw new Error('A connector thread is started by the worker, not by itself')
const port = parentPort
const { marker: markerBuffer, logLevels } = workerData as ThreadStart
const marker = new ThreadMarker(markerBuffer)
const channel = new ThreadChannel<FromConnectorThread>(port, logLevels)
const origin = new AsyncLocalStorage<Instance>()
const meter = new ThreadMeter('connector', marker)
const instances = new Map<string, Instance>()

process.on('uncaughtException', attribute)
process.on('unhandledRejection', attribute)
setInterval(beat, HEARTBEAT_INTERVAL_MS)
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
  return [...instances.values()].map((instance) => () => marker.call(instance.start.incarnation, () => origin.run(instance, () => instance.metrics.list())))
}

function beat(): void {
  marker.beat()
  meter.beat()
}

function startConnector(start: StartConnector): Promise<null> {
  const instance: Instance = {
    start,
    stopped: new AbortController(),
    metrics: new RegisteredMetrics({ connector: start.name }),
    connector: null,
    turn: Promise.resolve(),
  }
  instances.set(start.name, instance)
  return inTurn(instance, async () => {
    const connector = (await instanceOf(start.plugin)) as AnyConnector
    instance.connector = connector
    const context = contextOf(instance)
    await marker.call(start.incarnation, () => connector.start(start.config, context))
    return null
  })
}

async function stopConnector(name: string): Promise<null> {
  const instance = instances.get(name)
  if (!instance) return null
  instances.delete(name)
  instance.stopped.abort()
  return inTurn(instance, async () => {
    await marker.call(instance.start.incarnation, () => instance.connector?.stop())
    return null
  })
}

async function generateTaskConfigs(name: string, tasksMax: number): Promise<GeneratedTaskConfigs> {
  const instance = instances.get(name)
  if (!instance) throw new ConnectError(`Connector ${name} is not running`)
  return inTurn(instance, async () => {
    const { connector, start } = instance
    if (!connector) throw new ConnectError(`Connector ${name} is not running`)
    const taskClass = marker.call(start.incarnation, () => connector.taskClass())
    const configs = await marker.call(start.incarnation, () => connector.taskConfigs(tasksMax))
    return { taskClass: taskClass.javaClass ?? taskClass.name, configs }
  })
}

/** Runs `work` after what the instance is doing now, attributed to it. */
function inTurn<T>(instance: Instance, work: () => Promise<T>): Promise<T> {
  const result = instance.turn.then(() => origin.run(instance, work))
  instance.turn = result.catch(() => {
    // Told to whoever asked for it.
  })
  return result
}

function contextOf({ start, stopped, metrics }: Instance): SourceConnectorContext & SinkConnectorContext {
  const { name, incarnation } = start
  const logger = channel.logger(start.plugin.className, { connector: name, task: null })
  return {
    logger,
    metrics,
    signal: stopped.signal,
    offsetStorageReader: new StoredOffsets(name, (make) => channel.request(make as (request: number) => FromConnectorThread), logger),
    requestTaskReconfiguration: () => channel.post({ type: 'task-reconfiguration', name, incarnation }),
    raiseError: (error) => channel.post({ type: 'connector-failed', name, incarnation, failure: failureOf(error) }),
  }
}

/** Fails the connector that the error came from; where that cannot be told, the main thread gives all connectors of this thread a new one. */
function attribute(error: unknown): void {
  const instance = origin.getStore()
  const failure = failureOf(error)
  if (instance) channel.post({ type: 'connector-failed', name: instance.start.name, incarnation: instance.start.incarnation, failure })
  else channel.post({ type: 'thread-failed', failure })
}
