import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePorts, type GuardedProcess, startGuardedProcess, waitFor } from '@millrace/testing'
import { startKafkaServer } from '../servers/kafka-server.ts'
import { fromSources, type Program } from './millrace-process.ts'

/** A broker as a process of its own, which a suite starts, stops and kills. */
export interface RunningBroker {
  readonly bootstrapServers: string
  stop(): Promise<unknown>
  killAtOnce(): Promise<unknown>
}

export interface BrokerUnderTest {
  readonly name: string
  /** Started again on the same folder and port, it has what was acknowledged before. */
  start(options: { readonly folder: string; readonly port?: number }): Promise<RunningBroker>
}

export const embeddedBroker: BrokerUnderTest = {
  name: 'embedded broker',
  start: ({ folder, port }) => startMillraceBroker({ folder, port }),
}

export const apacheKafka: BrokerUnderTest = {
  name: 'Apache Kafka',
  start: ({ folder, port }) => startKafkaServer({ folder, port }),
}

/** `millrace broker` as a process; resolves when it takes connections. */
export async function startMillraceBroker(options: {
  readonly folder: string
  readonly port?: number
  readonly program?: Program
}): Promise<RunningBroker & { readonly process: GuardedProcess }> {
  mkdirSync(options.folder, { recursive: true })
  const program = options.program ?? fromSources()
  const port = options.port ?? (await freePorts(1))[0] ?? 0
  const broker = await startGuardedProcess({
    command: program.command,
    args: [...program.args, 'broker', '--port', String(port), '--data-dir', join(options.folder, 'data')],
    cwd: options.folder,
    logFile: join(options.folder, 'broker.log'),
  })
  await waitFor(() => broker.hasExited || takesConnections(port), { what: `the broker on port ${port}`, describe: () => broker.output })
  if (broker.hasExited) throw new Error(`The broker ended with exit code ${broker.exit?.code}:\n${broker.output}`)
  return {
    bootstrapServers: `127.0.0.1:${port}`,
    process: broker,
    stop: () => broker.stop(),
    killAtOnce: () => broker.killAtOnce(),
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
