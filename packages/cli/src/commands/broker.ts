import { Command, InvalidArgumentError } from 'commander'
import { EXIT_START_FAILED, EXIT_WRONG_INPUT } from '../exit-codes.ts'

interface BrokerFlags {
  readonly config?: string
  readonly port?: number
  readonly dataDir?: string
}

const DATA_DIR = './millrace-data'

/** `millrace broker`: the embedded broker alone, for clients of this machine. */
export function brokerCommand(): Command {
  return new Command('broker')
    .description('run a single-node Kafka broker on loopback, for development, tests and single machines')
    .option('--port <port>', 'port to listen on; 0 takes a free one (default: 9092, or that of the file)', portOf)
    .option('--data-dir <folder>', `where the data is kept (default: ${DATA_DIR}, or that of the file)`)
    .option('--config <server.properties>', "settings under Kafka's names: listeners, log.dirs, TLS, SASL and its users, and those of topics")
    .action(runBroker)
}

async function runBroker({ config, ...flags }: BrokerFlags): Promise<void> {
  // Loaded here: the other commands do without it.
  const [{ startBroker }, { consoleLoggers, onStopSignal, readBrokerSettings }] = await Promise.all([import('@millrace/broker'), import('@millrace/runtime')])
  const logger = consoleLoggers().logger('millrace.broker')
  const settings = config === undefined ? Promise.resolve({}) : readBrokerSettings(config, logger)
  const started = settings.then((read) => startBroker({ dataDir: DATA_DIR, ...read, ...flags, logger }))
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

/** A broker says by its code what is wrong; all of it is for the user to change, but for a thread that dies. So is what is wrong in a file. */
function isUsersFault(error: unknown): boolean {
  if (error instanceof Error && error.name === 'StartupError') return true
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && code.startsWith('BROKER_') && code !== 'BROKER_THREAD_FAILED'
}
