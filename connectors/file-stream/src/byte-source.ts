/** Where a task's bytes come from. Nothing here ever waits for data: what is not there yet is asked for again later. */
export interface ByteSource {
  /**
   * The bytes that follow those read before, or null where there are none at the moment.
   * They are valid until the next call is made.
   */
  read(): Promise<Buffer | null>
  /** Whether the stream broke off and begins anew, with what `read` returns next: asked after `read` returned null. */
  restart(): Promise<SourceRestart | null>
  close(): Promise<void>
}

/** Why a stream begins anew. */
export type SourceRestart = 'truncated' | 'replaced'
