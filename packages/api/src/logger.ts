/**
 * The log of a plug-in. Connector and task are added to each line by the runtime.
 * Lines are cheap where the level is off, but their arguments are still evaluated: ask `isDebugEnabled` before building costly ones.
 */
export interface Logger {
  readonly isDebugEnabled: boolean
  trace(message: string, error?: unknown): void
  debug(message: string, error?: unknown): void
  info(message: string, error?: unknown): void
  warn(message: string, error?: unknown): void
  error(message: string, error?: unknown): void
}
