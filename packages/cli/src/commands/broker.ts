import { Command, InvalidArgumentError } from 'commander'
import { EXIT_START_FAILED, EXIT_WRONG_INPUT } from '../exit-codes.ts'

interface BrokerFlags {
  readonly port: number
  readonly dataDir: string
}

/** `millrace broker`: the embedded broker alone, for clients of this machine. */
export function brokerCommand(): Command {
  return new Command('broker')
    .description('run a single-node Kafka broker on loopback, for development, tests and single machines')
    .option('--port <port>', 'port to listen on; 0 takes a free one', portOf, 9092)
    .option('--data-dir <folder>', 'where the data is kept', './millrace-data')
    .action(runBroker)
}

async function runBroker({ port, dataDir }: BrokerFlags): Promise<void> {
  // Loaded here: the other commands do without it.
  const [{ startBroker }, { consoleLoggers, onStopSignal }] = await Promise.all([import('@millrace/broker'), import('@millrace/runtime')])
  const logger = consoleLoggers().logger('millrace.broker')
  const started = startBroker({ port, dataDir, logger })
  // Before it listens: whoever reads that it does may end it at once. A broker that could not start has nothing to stop.
  onStopSignal({
    name: 'Millrace broker',
    stop: () =>
      started.then(
        (broker) => broker.close(),
        () => {},
      ),
    logger,
    deadlineMs: 30_000,
  })
  try {
    await started
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exit(isUsersFault(error) ? EXIT_WRONG_INPUT : EXIT_START_FAILED)
  }
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65535)) throw new InvalidArgumentError('Use a number from 0 to 65535.')
  return port
}

/** A broker says by its code what is wrong; all of it is for the user to change, but for a thread that dies. */
function isUsersFault(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && code.startsWith('BROKER_') && code !== 'BROKER_THREAD_FAILED'
}
