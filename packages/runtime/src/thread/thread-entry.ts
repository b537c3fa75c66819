import { workerData } from 'node:worker_threads'
import type { ThreadStart } from './messages.ts'
import { resolveOwnModules } from './own-modules.ts'

/* What every thread begins with, so that all that it loads is found the short way. */

const { entry } = workerData as ThreadStart
resolveOwnModules()
await import(entry)
