import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogRecord } from '../logging/log-output.ts'
import { Loggers } from '../logging/loggers.ts'
import { onStopSignal } from './shutdown.ts'

function process(stop: () => Promise<void>, { deadlineMs = 60_000, threadsLeft = 0 } = {}) {
  const lines: LogRecord[] = []
  const logger = new Loggers({ rootLevel: 'INFO', write: (record) => lines.push(record) }).logger('main/shutdown')
  const listeners = new Map<string, () => void>()
  const end = Promise.withResolvers<string>()
  const time = { now: 0 }
  const host = {
    on: (signal: string, listener: () => void) => listeners.set(signal, listener),
    onOrphaned: (listener: () => void) => listeners.set('orphaned', listener),
    endThreads: async () => threadsLeft,
    exit: (code: number) => end.resolve(`exit ${code}`),
    kill: () => end.resolve('SIGKILL'),
    now: () => time.now,
  }
  onStopSignal({ stop, logger, deadlineMs, host })
  return { signal: (name: string) => listeners.get(name)?.(), end: end.promise, lines, time }
}

test('a signal stops everything and the process ends with 0', async () => {
  let stops = 0
  const { signal, end } = process(async () => {
    stops++
  })
  signal('SIGTERM')
  assert.equal(await end, 'exit 0')
  assert.equal(stops, 1)
})

test('the end of the npm that runs it is a signal, too', async () => {
  const { signal, end } = process(async () => {})
  signal('orphaned')
  assert.equal(await end, 'exit 0')
})

test('a second signal does not wait', async () => {
  const { signal, end, lines, time } = process(() => new Promise(() => {}))
  signal('SIGINT')
  time.now = 500
  signal('SIGINT')
  assert.equal(await end, 'SIGKILL')
  assert.match(lines.at(-1)?.message ?? '', /SIGINT came a second time/)
})

test('a signal that arrives twice, as by Ctrl-C under npm, is one', async () => {
  const stop = Promise.withResolvers<void>()
  const { signal, end, time } = process(() => stop.promise)
  signal('SIGINT')
  time.now = 499
  signal('SIGINT')
  signal('SIGTERM')
  time.now = 5000
  signal('orphaned')
  stop.resolve()
  assert.equal(await end, 'exit 0')
})

test('stopping has a deadline', async () => {
  const { signal, end, lines } = process(() => new Promise(() => {}), { deadlineMs: 10 })
  signal('SIGTERM')
  assert.equal(await end, 'SIGKILL')
  assert.match(lines.at(-1)?.message ?? '', /longer than 10 ms/)
})

test('threads that nothing interrupts are named, and ended with the process', async () => {
  const { signal, end, lines } = process(async () => {}, { threadsLeft: 1 })
  signal('SIGTERM')
  assert.equal(await end, 'SIGKILL')
  assert.match(lines.at(-1)?.message ?? '', /1 thread\(s\).*cannot be interrupted/)
})

test('a stop that fails is told by the exit code', async () => {
  const { signal, end } = process(async () => {
    throw new Error('no')
  })
  signal('SIGTERM')
  assert.equal(await end, 'exit 1')
})
