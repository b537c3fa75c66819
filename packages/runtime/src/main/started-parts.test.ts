import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StartedParts } from './started-parts.ts'

function parts() {
  const stopped: string[] = []
  const part = (name: string) => async () => {
    stopped.push(name)
  }
  return { started: new StartedParts(), stopped, part }
}

test('parts stop in the order of their start, bases last', async () => {
  const { started, stopped, part } = parts()
  started.add(part('broker'), { isBase: true })
  started.add(part('rest'))
  started.add(part('herder'))
  await started.stop()
  await started.stop()
  assert.deepEqual(stopped, ['rest', 'herder', 'broker'])
})

test('a part that starts while all are being stopped is stopped too', async () => {
  const { started, stopped, part } = parts()
  const gate = Promise.withResolvers<void>()
  started.add(() => gate.promise)
  const all = started.stop()
  started.add(part('late'))
  gate.resolve()
  await all
  assert.deepEqual(stopped, ['late'])
  started.add(part('later'))
  await started.stop()
  assert.deepEqual(stopped, ['late', 'later'])
})

test('a part that fails to stop does not keep the others from it', async () => {
  const { started, stopped, part } = parts()
  started.add(() => Promise.reject(new Error('stuck')))
  started.add(part('herder'))
  await assert.rejects(started.stop(), /stuck/)
  assert.deepEqual(stopped, ['herder'])
})
