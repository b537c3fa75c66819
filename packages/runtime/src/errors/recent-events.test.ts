import assert from 'node:assert/strict'
import test from 'node:test'
import { RecentEvents } from './recent-events.ts'

test('the last fifty events are kept, oldest first, each on one line with its time', () => {
  const events = new RecentEvents()
  assert.deepEqual(events.list(), [])
  for (let number = 1; number <= 120; number++) events.add(`event\n${number}`)
  const list = events.list()
  assert.equal(list.length, 50)
  assert.match(list[0] ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z event 71$/)
  assert.match(list.at(-1) ?? '', / event 120$/)
})

test('what repeats itself is one event', () => {
  const events = new RecentEvents()
  for (const text of ['RUNNING', 'committed', 'committed', 'committed', 'RUNNING']) events.add(text)
  assert.deepEqual(
    events.list().map((line) => line.slice(line.indexOf(' ') + 1)),
    ['RUNNING', 'committed (3 times)', 'RUNNING'],
  )
})

test('a secret is taken out before an event is cut, and what is too long to be looked through is not kept', () => {
  const events = new RecentEvents()
  const secret = 'k'.repeat(3_000)
  events.add(`key ${secret} read`)
  events.add('x'.repeat(20_000))
  events.add('y'.repeat(300))
  const [first = '', second = '', third = ''] = events.list((text) => text.replaceAll(secret, '[hidden]'))
  assert.match(first, /Z key \[hidden\] read$/)
  assert.match(second, /Z \(a line of 20000 characters\)$/)
  assert.equal(third.length, 200)
})
