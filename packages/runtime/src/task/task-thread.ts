import { AsyncLocalStorage } from 'node:async_hooks'
import { parentPort, workerData } from 'node:worker_threads'
import { failureOf } from '../errors/failure.ts'
import type { Metric } from '../metrics/metric.ts'
import { beatRegularly } from '../thread/heartbeat.ts'
import type { FromTaskThread, ReportedProgress, TaskStart, ThreadStart, ToTaskThread } from '../thread/messages.ts'
import { answer } from '../thread/requests.ts'
import { ThreadMarker } from '../thread/thread-marker.ts'
import { HostedTask } from './hosted-task.ts'
import { ThreadChannel } from './thread-channel.ts'
import { ThreadMeter } from './thread-meter.ts'

/*
 * The entry of a task thread. It hosts any number of tasks; what they do is attributed to them by `AsyncLocalStorage`, so that an error that
 * nobody awaited fails the task that it came from and no other.
 */

if (parentPort === null) throw new Error('A task thread is started by the worker, not by itself')
const port = parentPort
const { marker: markerBuffer, heartbeatIntervalMsMax, logLevels } = workerData as ThreadStart
const marker = new ThreadMarker(markerBuffer)
const channel = new ThreadChannel<FromTaskThread>(port, logLevels)
const origin = new AsyncLocalStorage<HostedTask>()
const meter = new ThreadMeter('task', marker)
const tasks = new Map<string, { readonly hosted: HostedTask; readonly ended: Promise<void> }>()

process.on('uncaughtException', attribute)
process.on('unhandledRejection', attribute)
beatRegularly(marker, heartbeatIntervalMsMax, (lateMs) => meter.beat(lateMs))
port.on('message', (message: ToTaskThread) => receive(message))
channel.post({ type: 'ready' })

function receive(message: ToTaskThread): void {
  switch (message.type) {
    case 'start-task':
      return startTask(message.request, message.task)
    case 'stop-task':
      void answer(
        (reply) => channel.post(reply),
        message.request,
        () => stopTask(nameOf(message.id)),
      )
      return
    case 'cancel-task':
      return tasks.get(nameOf(message.id))?.hosted.cancel()
    case 'set-task-target-state':
      return tasks.get(nameOf(message.id))?.hosted.setPaused(message.state === 'PAUSED')
    case 'forget-topics':
      return tasks.get(nameOf(message.id))?.hosted.forgetTopics()
    case 'read-progress':
      void answer(
        (reply) => channel.post(reply),
        message.request,
        () => message.ids.map((id) => tasks.get(nameOf(id))?.hosted.progress() ?? null),
      )
      return
    case 'read-all-progress':
      void answer((reply) => channel.post(reply), message.request, readAllProgress)
      return
    case 'read-metrics':
      void answer(
        (reply) => channel.post(reply),
        message.request,
        () => meter.read(message.style, metricSources()),
      )
      return
    case 'count-pool-requests':
      void answer((reply) => channel.post(reply), message.request, countPoolRequests)
      return
    case 'change-log-levels':
      return channel.setLevels(message.levels)
    case 'standard-output-lost':
      return endStandardOutput()
    case 'answer':
    case 'refusal':
      return channel.settle(message)
  }
}

/** Writes of plug-ins that wait, and later ones, end with an error instead of never. */
function endStandardOutput(): void {
  // Without a listener it would count as an error that nobody awaited.
  process.stdout.on('error', () => {})
  process.stdout.destroy(new Error('Nobody reads the standard output any longer (EPIPE).'))
}

function startTask(request: number, start: TaskStart): void {
  const name = nameOf(start.id)
  const hosted = new HostedTask(start, channel, marker)
  const ended = origin
    .run(hosted, () => hosted.run())
    .finally(() => {
      if (tasks.get(name)?.hosted === hosted) tasks.delete(name)
    })
  tasks.set(name, { hosted, ended })
  channel.post({ type: 'answer', request, value: null })
}

async function stopTask(name: string): Promise<null> {
  const task = tasks.get(name)
  task?.hosted.stop()
  await task?.ended
  return null
}

function readAllProgress(): ReportedProgress[] {
  return [...tasks.values()].map(({ hosted }) => ({ incarnation: hosted.start.incarnation, progress: origin.run(hosted, () => hosted.progress()) }))
}

/** What a plug-in's own gauges do is on the account of its task. */
function metricSources(): (() => readonly Metric[])[] {
  return [...tasks.values()].map(
    ({ hosted }) =>
      () =>
        marker.call(hosted.start.incarnation, 'metrics', () => origin.run(hosted, () => hosted.metrics.list())),
  )
}

/** Fails the task that the error came from; where that cannot be told, the main thread gives all tasks of this thread a new one. */
function attribute(error: unknown): void {
  const hosted = origin.getStore()
  if (hosted) hosted.fail(error)
  else channel.post({ type: 'thread-failed', failure: failureOf(error) })
}

/** Resources of Node that wait for libuv's thread pool. */
const POOL_RESOURCES =
  /^(FSReq|GetAddrInfo|GetNameInfo|Zlib|Brotli|Zstd|PBKDF2|Scrypt|Random|Hash|Sign|Cipher|KeyGen|KeyPair|KeyExport|DeriveBits|.*Job|FileHandleCloseReq)/i

function countPoolRequests(): number {
  return process.getActiveResourcesInfo().filter((resource) => POOL_RESOURCES.test(resource)).length
}

function nameOf({ connector, task }: TaskStart['id']): string {
  return `${connector}-${task}`
}
