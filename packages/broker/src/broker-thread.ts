import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Broker, BrokerOptions } from './broker.ts'
import type { BrokerThreadData, MessageFromBroker, MessageToBroker } from './broker-thread-messages.ts'
import { BrokerError, type BrokerErrorCode } from './errors.ts'

/** How long a closing broker may take to bring its data to the disk before its thread is ended. */
const CLOSE_TIMEOUT_MS = 30_000

/** A broker in a thread of its own. */
export interface BrokerThread extends Broker {
  /** Ends when the thread has; rejects with BROKER_THREAD_FAILED if nobody asked for it. Handled inside, so it may be left alone. */
  readonly ended: Promise<void>
}

/**
 * Starts a broker in a thread of its own, so that neither side waits for the other. Options and errors are those of `startBroker`; log lines are
 * handed to the logger in this thread.
 */
export async function startBrokerThread(options: BrokerOptions): Promise<BrokerThread> {
  const { host, port, dataDir, properties, security, apiVersions, logger } = options
  const data: BrokerThreadData = { host, port, dataDir, properties, security, apiVersions }
  const worker = new Worker(entryUrl(), { workerData: data, name: 'embedded-broker' })
  const send = (message: MessageToBroker) => worker.postMessage(message)
  let lock: string | undefined
  let isClosing = false

  const started = Promise.withResolvers<Extract<MessageFromBroker, { kind: 'started' }>>()
  const ended = Promise.withResolvers<void>()
  const threadError = (cause?: unknown) =>
    new BrokerError('BROKER_THREAD_FAILED', `The thread of the embedded broker ended: ${cause instanceof Error ? cause.message : 'no reason was given'}.`, {
      cause,
    })
  let failure: unknown

  worker.on('message', (message: MessageFromBroker) => {
    switch (message.kind) {
      case 'started':
        lock = message.lock
        return started.resolve(message)
      case 'failed':
        isClosing = true
        return started.reject(new BrokerError((message.code ?? 'BROKER_THREAD_FAILED') as BrokerErrorCode, message.message))
      case 'log':
        return message.error === null ? logger[message.level](message.message) : logger[message.level](message.message, message.error)
      case 'closed':
        lock = undefined
        return
    }
  })
  worker.on('error', (error) => {
    failure = error
  })
  worker.on('exit', () => {
    // The process lives on, so nobody else could tell that the lock is stale.
    if (lock !== undefined) rmSync(lock, { force: true })
    started.reject(threadError(failure))
    if (isClosing) ended.resolve()
    else ended.reject(threadError(failure))
  })
  ended.promise.catch((error: unknown) => logger.error((error as Error).message))

  const { host: actualHost, port: actualPort, clusterId } = await started.promise
  const close = async () => {
    isClosing = true
    const exited = once(worker, 'exit')
    send({ kind: 'close' })
    const timer = setTimeout(() => {
      logger.warn(`The embedded broker did not stop within ${CLOSE_TIMEOUT_MS} ms; its thread is ended.`)
      worker.terminate().catch((error: unknown) => logger.error('The thread of the embedded broker cannot be ended', error))
    }, CLOSE_TIMEOUT_MS)
    await exited
    clearTimeout(timer)
  }
  let closing: Promise<void> | undefined
  return {
    host: actualHost,
    port: actualPort,
    clusterId,
    faults: {
      inject: (fault) => send({ kind: 'inject-fault', fault }),
      clear: () => send({ kind: 'clear-faults' }),
    },
    close: () => (closing ??= worker.threadId === -1 ? Promise.resolve() : close()),
    ended: ended.promise,
  }
}

/** The thread's module: beside this one, as a source or as built. */
function entryUrl(): URL {
  return new URL(`./broker-thread-entry${extname(import.meta.url)}`, import.meta.url)
}
