// What metrics, ledger and progress cost a record: the calls of a task's loop that keep books, and nothing else of it.
//
//   node benchmarks/bookkeeping.ts
//
// Beside them, a loop over as many records that adds up one number. The commits of a task come a few times a minute and are not in it.

import { Ledger } from '../packages/runtime/src/task/ledger.ts'
import { Activity } from '../packages/runtime/src/task/activity.ts'
import { taskMetricsForTests } from '../packages/runtime/src/task/fixtures/task-metrics-for-tests.ts'
import { Occupancy } from '../packages/runtime/src/task/occupancy.ts'
import { SAMPLE_INTERVAL, StageTimer } from '../packages/runtime/src/task/stage-timer.ts'
import { ErrorCounters } from '../packages/runtime/src/errors/error-counters.ts'
import { ThreadMarker } from '../packages/runtime/src/thread/thread-marker.ts'

/** Records per measured repetition. */
const RECORDS = 2_000_000
const REPETITIONS = 7

interface Books {
  readonly ledger: Ledger
  readonly stages: StageTimer<string>
  readonly activity: Activity
  readonly occupancy: Occupancy
  readonly metrics: ReturnType<typeof taskMetricsForTests>
}

function books(kind: 'source' | 'sink'): Books {
  const ledger = new Ledger()
  const occupancy = new Occupancy(new ThreadMarker(), 1)
  const metrics = taskMetricsForTests(kind)
  const counted = { ledger, errors: new ErrorCounters() }
  if (kind === 'source') metrics.observe(counted)
  else metrics.observeSink(counted, { assignment: () => [], lag: () => null })
  return { ledger, occupancy, metrics, stages: new StageTimer(['poll', 'transform', 'convert', 'send', 'put']), activity: new Activity(occupancy) }
}

/** As `SourceTaskLoop` and `AtLeastOnceDelivery` do. */
function sourceBatch({ ledger, stages, activity, occupancy, metrics }: Books, size: number): void {
  const polledAtMs = performance.now()
  void activity.during('poll', nothing)
  const pollMs = performance.now() - polledAtMs
  stages.add('poll', pollMs)
  ledger.read += size
  metrics.polled(size, pollMs)
  activity.hasRead()
  const startedAtMs = performance.now()
  occupancy.enter()
  for (let index = 0; index < size; index++) {
    const isSampled = (index & (SAMPLE_INTERVAL - 1)) === 0
    if (isSampled) stages.begin()
    if (isSampled) stages.lap('convert')
    if (isSampled) stages.lap('send')
    ledger.written++
    ledger.progressed()
  }
  occupancy.leave()
  stages.divide(performance.now() - startedAtMs, ['transform', 'convert', 'send'])
}

/** As `SinkTaskLoop` does. */
function sinkBatch({ ledger, stages, activity, occupancy, metrics }: Books, size: number): void {
  const polledAtMs = performance.now()
  activity.hasRead()
  stages.add('poll', performance.now() - polledAtMs)
  const startedAtMs = performance.now()
  occupancy.enter()
  for (let index = 0; index < size; index++) {
    const isSampled = (index & (SAMPLE_INTERVAL - 1)) === 0
    if (isSampled) stages.begin()
    ledger.read++
    if (isSampled) stages.lap('convert')
  }
  occupancy.leave()
  stages.divide(performance.now() - startedAtMs, ['convert'])
  const putAtMs = performance.now()
  void activity.during('put', nothing)
  const putMs = performance.now() - putAtMs
  stages.add('put', putMs)
  activity.hasDelivered(size)
  metrics.put(size, putMs)
  ledger.written += size
  ledger.progressed()
}

let sum = 0

function noBooks(_: Books, size: number): void {
  for (let index = 0; index < size; index++) sum += index & 1
}

function nothing(): void {}

/** The best of some repetitions: what else the machine does only makes it slower. */
async function nanoseconds(kind: 'source' | 'sink', batch: (books: Books, size: number) => void, size: number): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const made = books(kind)
    const startedAtMs = performance.now()
    for (let records = 0; records < RECORDS; records += size) {
      batch(made, size)
      // The event loop turns after each batch, which `progressed` counts on; its own cost is measured with it.
      if (records % 20_000 < size) await new Promise((resolve) => setImmediate(resolve))
    }
    best = Math.min(best, ((performance.now() - startedAtMs) * 1e6) / RECORDS)
  }
  return best
}

console.log('nanoseconds per record | batches of 10 | 100 | 500')
console.log('--- | --- | --- | ---')
for (const [name, kind, batch] of [
  ['source', 'source', sourceBatch],
  ['sink', 'sink', sinkBatch],
  ['no books', 'source', noBooks],
] as const) {
  const all = []
  for (const size of [10, 100, 500]) all.push((await nanoseconds(kind, batch, size)).toFixed(1))
  console.log(`${name} | ${all.join(' | ')}`)
}
if (sum < 0) throw new Error('The compiler must not leave the loop out.')
