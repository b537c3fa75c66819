import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { TaskProgress } from '@millrace/rest-api'
import type { ThreadMetrics } from '../thread/messages.ts'
import { MemoryStatusStore } from '../storage/memory/memory-status-store.ts'
import type { TaskStatus } from '../storage/status-store.ts'
import { type MeasuredWorker, MetricsPage } from './metrics-page.ts'

const progress = {
  activity: { state: 'stalled', since: new Date(Date.now() - 60_000).toISOString(), detail: 'put has not returned' },
  ledger: {
    read: 10,
    written: 7,
    filtered: 2,
    dead_lettered: 1,
    skipped: 0,
    given_back: 0,
    in_flight: 0,
    balanced: true,
    imbalances: 0,
    filtered_by_transform: { drop: 2 },
    coerced_fields: {},
  },
  stage_time_ms: { put: 1_500 },
  last_progress_at: null,
  lag: null,
  lag_seconds: 3.5,
  in_out: { read_per_second: 0, written_per_second: 0 },
  observed_at: new Date().toISOString(),
  errors: { failures: 0, errors: 0, skipped: 0, retries: 0, logged: 0, dead_letter_requests: 0, dead_letter_failures: 0, last_error_at: null },
} satisfies Omit<TaskProgress, 'observed_by'>

function status(state: TaskStatus['state']): TaskStatus {
  return { state, trace: null, workerId: 'w:1', generation: 0, version: null }
}

function page(t: TestContext, worker: Partial<MeasuredWorker> | null) {
  let readings = 0
  const statusStore = new MemoryStatusStore()
  const made = new MetricsPage({
    style: 'short',
    worker: () =>
      worker === null
        ? null
        : {
            connectors: () => [],
            connectorProgress: () => null,
            tasks: () => [],
            threads: () => [],
            readMetrics: async () => {
              readings++
              await new Promise((resolve) => setImmediate(resolve))
              return { readings: [] as ThreadMetrics[], silent: 0 }
            },
            ...worker,
          },
    statusStore,
    workerId: 'w:1',
    version: { version: '4.3.1', commit: 'abc' },
    sources: [],
  })
  t.after(() => made.stop())
  return { made, statusStore, readings: () => readings, text: async () => (await made.read('text')).toString() }
}

test('readings at the same time are one', async (t) => {
  const { made, readings } = page(t, {})
  const all = await Promise.all(Array.from({ length: 50 }, () => made.read('text')))
  assert.deepEqual([readings(), new Set(all).size], [1, 1])
  await made.read('text')
  assert.equal(readings(), 2)
})

test('tasks are counted by their states, and tell their progress', async (t) => {
  const ids = [0, 1, 2].map((task) => ({ connector: 'c', task }))
  const { statusStore, text } = page(t, { tasks: () => ids.map((id) => ({ id, progress: id.task === 0 ? progress : null })) })
  for (const [index, state] of (['RUNNING', 'FAILED', 'FAILED'] as const).entries()) statusStore.putTask(ids[index]!, status(state))
  const answer = await text()
  for (const line of [
    'kafka_connect_worker_connector_total_task_count{connector="c"} 3',
    'kafka_connect_worker_connector_failed_task_count{connector="c"} 2',
    'kafka_connect_connector_task_status{connector="c",task="1",status="failed"} 1',
    'millrace_task_state{connector="c",task="1"} 5',
    'millrace_task_stalled{connector="c",task="0"} 1',
    'millrace_task_activity{connector="c",task="0",activity="stalled"} 1',
    'millrace_task_lag_seconds{connector="c",task="0"} 3.5',
    'millrace_task_lag_records{connector="c",task="0"} NaN',
    'millrace_task_records_dead_lettered_total{connector="c",task="0"} 1',
    'millrace_task_transform_filtered_total{connector="c",task="0",transform="drop"} 2',
    'millrace_task_stage_seconds_total{connector="c",task="0",stage="put"} 1.5',
  ])
    assert.ok(answer.includes(`${line}\n`), line)
})

test('before there is a worker, the process tells of itself', async (t) => {
  const { text } = page(t, null)
  const answer = await text()
  assert.match(answer, /^kafka_connect_app_info_version\{clientid="w:1",version="4\.3\.1"\} 1$/m)
  assert.match(answer, /^millrace_worker_memory_resident_bytes \d+$/m)
})

test('threads that do not answer are counted', async (t) => {
  const { text } = page(t, { readMetrics: async () => ({ readings: [], silent: 2 }) })
  assert.match(await text(), /^millrace_worker_threads_silent 2$/m)
})
