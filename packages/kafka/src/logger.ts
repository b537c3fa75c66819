/**
 * Where a client writes its log. The shape is that of the plug-in contract's logger, so that a task hands its own through.
 * Lines are for what an operator can act on; normal operation is silent at `info` but for memberships and assignments.
 */
export interface Logger {
  readonly isDebugEnabled: boolean
  trace(message: string, error?: unknown): void
  debug(message: string, error?: unknown): void
  info(message: string, error?: unknown): void
  warn(message: string, error?: unknown): void
  error(message: string, error?: unknown): void
}

function ignore(): void {}

/** Drops every line. */
export const silentLogger: Logger = { isDebugEnabled: false, trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore }
