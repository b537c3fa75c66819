import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atNextLook, REST_LOOK_MS } from './next-look.ts'

test('files at rest are looked at together, once a second', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const looks: string[] = []
  const ends = new Map<string, () => void>()
  const rest = (file: string): void => {
    const look = (): void => {
      looks.push(file)
      rest(file)
    }
    ends.set(file, atNextLook(look))
  }
  rest('a')
  t.mock.timers.tick(REST_LOOK_MS * 0.7)
  rest('b')
  t.mock.timers.tick(REST_LOOK_MS * 0.3 - 1)
  assert.deepEqual(looks, [])
  t.mock.timers.tick(1)
  assert.deepEqual(looks, ['a', 'b'])
  t.mock.timers.tick(REST_LOOK_MS)
  assert.deepEqual(looks, ['a', 'b', 'a', 'b'])
  for (const end of ends.values()) end()
})

test('who no longer waits is not called, and the next to come waits as long as ever', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const looks: string[] = []
  const end = atNextLook(() => looks.push('a'))
  t.mock.timers.tick(REST_LOOK_MS / 2)
  end()
  end()
  atNextLook(() => looks.push('b'))
  t.mock.timers.tick(REST_LOOK_MS - 1)
  assert.deepEqual(looks, [])
  t.mock.timers.tick(1)
  assert.deepEqual(looks, ['b'])
})
