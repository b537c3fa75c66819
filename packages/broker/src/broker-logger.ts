/** Where the broker writes what an operator can act on. The loggers of `@millrace/api` have this shape too. */
export interface BrokerLogger {
  debug(message: string, error?: unknown): void
  info(message: string, error?: unknown): void
  warn(message: string, error?: unknown): void
  error(message: string, error?: unknown): void
}
