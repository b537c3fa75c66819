import assert from 'node:assert/strict'
import test from 'node:test'
import { unpacked } from '../metrics/metric-lines.ts'
import type { Metric } from '../metrics/metric.ts'
import { TURN_MS_MAX } from './event-loop.ts'
import { ThreadMeter } from './thread-meter.ts'

function text(reading: Awaited<ReturnType<ThreadMeter['read']>>): string {
  return unpacked(reading)
    .map(({ lines }) => Buffer.from(lines as Uint8Array).toString())
    .join('')
}

test('one reading has the metrics of all tasks, and of the thread', async () => {
  const meter = new ThreadMeter('task', { usedBytes: 1_000 })
  const sources = [1, 2, 3].map((task) => (): Metric[] => [{ group: 'plugins', name: 'rows', tags: { task: String(task) }, value: task }])
  const all = text(await meter.read('short', sources))
  assert.equal(all.match(/^kafka_connect_plugins_rows\{/gm)?.length, 3)
  assert.match(all, /^millrace_thread_tasks\{kind="task",thread="0"\} 3$/m)
  assert.match(all, /^millrace_thread_memory_bytes\{kind="task",thread="0"\} 1000$/m)
})

test('the delay of the event loop is the greatest since the last reading', async () => {
  const meter = new ThreadMeter('task', { usedBytes: 0 })
  const delay = async () => Number(/^millrace_thread_event_loop_delay_seconds\{.*\} (.*)$/m.exec(text(await meter.read('short', [])))?.[1])
  for (const lateMs of [5, 250, 10]) meter.beat(lateMs)
  assert.deepEqual([await delay(), await delay()], [0.25, 0])
})

test('between tasks whose metrics take long, everybody else has a turn', async () => {
  const turns: number[] = []
  let isRead = false
  const slow = (): Metric[] => {
    const until = performance.now() + 2 * TURN_MS_MAX
    while (performance.now() < until);
    turns.push(-1)
    return []
  }
  const watch = () => {
    turns.push(1)
    if (!isRead) setImmediate(watch)
  }
  setImmediate(watch)
  await new ThreadMeter('task', { usedBytes: 0 }).read('short', [slow, slow, slow])
  isRead = true
  const [first, second, third] = turns.flatMap((turn, index) => (turn === -1 ? [index] : []))
  assert.ok(turns.slice(first! + 1, second).includes(1) && turns.slice(second! + 1, third).includes(1), turns.join(' '))
})
