/** The kinds of threads that the main thread starts. */
export type ThreadKind = 'task' | 'connector' | 'validation'

const entries: Readonly<Record<ThreadKind, string>> = {
  task: '../task/task-thread',
  connector: '../connector/connector-thread',
  validation: '../connector/validation-thread',
}

/** The module that a thread begins with: a source beside sources, built JavaScript beside built JavaScript. */
export function entryUrl(kind: ThreadKind): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return new URL(entries[kind] + extension, import.meta.url)
}
