import { parentPort, workerData } from 'node:worker_threads'
import { type Broker, startBroker } from './broker.ts'
import type { BrokerLogger } from './broker-logger.ts'
import type { BrokerThreadData, MessageFromBroker, MessageToBroker } from './broker-thread-messages.ts'
import { lockPath } from './data-lock.ts'
import { BrokerError } from './errors.ts'

const port = parentPort
if (!port) throw new Error('This module is the entry of a worker thread.')

const send = (message: MessageFromBroker) => port.postMessage(message)

const logAt =
  (level: keyof BrokerLogger) =>
  (message: string, error?: unknown): void =>
    send({ kind: 'log', level, message, error: error instanceof Error ? (error.stack ?? error.message) : error === undefined ? null : String(error) })
const logger: BrokerLogger = { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') }

async function receive(broker: Broker, message: MessageToBroker): Promise<void> {
  switch (message.kind) {
    case 'inject-fault':
      return broker.faults.inject(message.fault)
    case 'clear-faults':
      return broker.faults.clear()
    case 'close':
      await broker.close()
      send({ kind: 'closed' })
      port!.close()
  }
}

try {
  const options = workerData as BrokerThreadData
  const broker = await startBroker({ ...options, logger })
  port.on('message', (message: MessageToBroker) => {
    receive(broker, message).catch((error: unknown) => logger.error('The broker could not do what it was asked', error))
  })
  send({ kind: 'started', host: broker.host, port: broker.port, clusterId: broker.clusterId, lock: lockPath(options.dataDir) })
} catch (error) {
  send({ kind: 'failed', code: error instanceof BrokerError ? error.code : null, message: (error as Error).message })
  port.close()
}
