/**
 * Who may import whom. A new edge is added here, with its reason in the commit.
 * Keys and values are folders of the repository; each package's entry lists the other packages of ours that it may use.
 */
export const packageImports: Readonly<Record<string, readonly string[]>> = {
  'packages/api': [],
  'packages/kafka-protocol': [],
  'packages/rest-api': [],
  'packages/standard-plugins': ['packages/api'],
  'packages/kafka': ['packages/kafka-protocol'],
  'packages/broker': ['packages/kafka-protocol'],
  'packages/runtime': ['packages/api', 'packages/standard-plugins', 'packages/kafka', 'packages/rest-api'],
  'packages/testing': ['packages/api', 'packages/kafka', 'packages/broker', 'packages/runtime', 'packages/rest-api'],
  'packages/cli': ['packages/rest-api', 'packages/runtime', 'packages/broker', 'connectors/*'],
  'connectors/*': ['packages/api'],
  // Nobody imports these three; they may use everything.
  tests: ['packages/*', 'connectors/*'],
  benchmarks: ['packages/*', 'connectors/*', 'tests'],
  scripts: ['packages/*', 'connectors/*', 'tests'],
}

/** What a test may use beyond its package. */
export const testImports: readonly string[] = ['packages/testing', 'packages/broker']

/**
 * Folders inside `packages/runtime/src`: rest → herder → worker → thread ⇢ task, where ⇢ is messages only.
 * `task` runs in the task's thread and knows of the main thread nothing but what both ends of their channel share.
 */
export const runtimeImports: Readonly<Record<string, readonly string[]>> = {
  main: ['rest', 'herder', 'worker', 'storage', 'config', 'plugins', 'metrics', 'notify', 'logging', 'errors'],
  rest: ['herder', 'config', 'metrics', 'logging', 'errors'],
  herder: ['worker', 'thread', 'storage', 'config', 'plugins', 'metrics', 'logging', 'errors'],
  worker: ['thread', 'storage', 'config', 'plugins', 'metrics', 'logging', 'errors'],
  thread: ['config', 'plugins', 'logging', 'errors'],
  task: ['thread', 'storage', 'config', 'plugins', 'metrics', 'logging', 'errors'],
  // Runs in the connectors' thread, as task/ does in a task's, and shares the thread's end of the channel with it.
  connector: ['task', 'thread', 'storage', 'config', 'plugins', 'metrics', 'logging', 'errors'],
  storage: ['logging', 'errors'],
  plugins: ['logging', 'errors'],
  metrics: ['logging', 'errors'],
  // Tells of what is written into the status store, as the settings of a worker say.
  notify: ['storage', 'config', 'metrics', 'logging', 'errors'],
  // Configuration providers are plugins; what a connector file holds is what the configuration store keeps.
  config: ['plugins', 'storage', 'errors'],
  logging: ['config', 'errors'],
  errors: [],
}

/** The only files of `thread` that others than `worker` may import: what both ends of a thread's channel must agree on. */
export const sharedByBothEnds: readonly string[] = ['messages', 'requests', 'thread-marker', 'heartbeat', 'thread-log'].map(
  (name) => `packages/runtime/src/thread/${name}.ts`,
)
