/** The arguments, a file, or the worker's settings are wrong; nothing was started. */
export const EXIT_WRONG_INPUT = 2
/** The worker could not be started, or a connector of the command line failed. */
export const EXIT_START_FAILED = 3
