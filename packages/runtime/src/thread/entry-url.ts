/** The kinds of threads that the main thread starts. */
export type ThreadKind = 'task' | 'connector' | 'validation'

const entries: Readonly<Record<ThreadKind, string>> = {
  task: '../task/task-thread',
  connector: '../connector/connector-thread',
  validation: '../connector/validation-thread',
}

/** The module that every thread begins with. */
export const threadEntryUrl = moduleUrl('./thread-entry')

/** The module that makes it a thread of its kind. */
export function entryUrl(kind: ThreadKind): URL {
  return moduleUrl(entries[kind])
}

/** A source beside sources, built JavaScript beside built JavaScript. */
function moduleUrl(path: string): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return new URL(path + extension, import.meta.url)
}
