/** The arguments, a file, or the worker's settings are wrong, or its Kafka cluster cannot be reached: nothing runs. */
export const EXIT_NOT_STARTED = 2
/** The worker could not be started, or a connector of the command line failed. */
export const EXIT_START_FAILED = 3

export type StartExitCode = typeof EXIT_NOT_STARTED | typeof EXIT_START_FAILED

/** Why there is no worker. The message is one for users: it names the file, and line and key where there are some. */
export class StartupError extends Error {
  override readonly name = 'StartupError'
  /** What the process shall end with. */
  readonly exitCode: StartExitCode

  constructor(message: string, exitCode: StartExitCode, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
