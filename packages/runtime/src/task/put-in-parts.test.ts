import assert from 'node:assert/strict'
import test from 'node:test'
import { DataError, PartialPutError, RetriableError, type SinkRecord } from '@millrace/api'
import { PutInParts, putVerdict } from './put-in-parts.ts'

const record = (kafkaOffset: number, key = 'k') => ({ kafkaOffset, key }) as unknown as SinkRecord
const records = (count: number): SinkRecord[] => Array.from({ length: count }, (_, offset) => record(offset))
const offsetsOf = (list: readonly SinkRecord[]) => list.map(({ kafkaOffset }) => kafkaOffset)

function begin(
  put: (offsets: number[]) => void,
  options: { isDivisible?: boolean; attemptsMax?: number; isStopping?: () => boolean; now?: () => number } = {},
) {
  const written: number[] = []
  const refused: number[] = []
  let calls = 0
  const putInParts = new PutInParts({
    put(batch) {
      calls++
      put(offsetsOf(batch))
      written.push(...offsetsOf(batch))
    },
    throwIfFatal() {},
    isDivisible: () => options.isDivisible ?? true,
    attemptsMax: options.attemptsMax ?? 1_000,
    refused: ({ kafkaOffset }) => void refused.push(kafkaOffset),
    admitted: (batch) => batch,
    isStopping: options.isStopping ?? (() => false),
    ...(options.now === undefined ? {} : { now: options.now }),
  })
  return { putInParts, written, refused, calls: () => calls }
}

const poison = (...bad: number[]) => {
  return (offsets: number[]) => {
    const found = offsets.filter((offset) => bad.includes(offset))
    if (found.length > 0) throw new DataError(`cannot write ${found.join(' ')}`)
  }
}

test('a batch is halved until the records that cannot be written stand alone; all others are written, in order and once', async () => {
  const { putInParts, written, refused, calls } = begin(poison(3, 77, 78))
  const outcome = await putInParts.afterFailure(records(100), new DataError('cannot write'))
  assert.deepEqual(outcome, { left: [], error: null })
  assert.deepEqual(refused, [3, 77, 78])
  assert.deepEqual(
    written,
    offsetsOf(records(100)).filter((offset) => ![3, 77, 78].includes(offset)),
  )
  assert.ok(calls() <= 2 * 3 * Math.ceil(Math.log2(100)), `${calls()} calls`)
})

test('with any records that cannot be written, each other one is written once and in order', async () => {
  const seed = Number(process.env['MILLRACE_SEED'] ?? 20_261_121)
  let state = seed
  const random = (below: number) => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) % below
  for (let round = 0; round < 200; round++) {
    const count = 1 + random(60)
    const bad = Array.from({ length: random(count + 1) }, () => random(count))
    const { putInParts, written, refused, calls } = begin(poison(...bad))
    await putInParts.afterFailure(records(count), new DataError('cannot write'))
    const expected = offsetsOf(records(count))
    // The first failure is given: where none is bad, the second call succeeds.
    assert.deepEqual([...new Set(written)], written, `seed ${seed}`)
    assert.deepEqual(written, count === 1 ? [] : expected.filter((offset) => !bad.includes(offset)), `seed ${seed}`)
    assert.deepEqual(refused, count === 1 ? [0] : [...new Set(bad)].sort((a, b) => a - b), `seed ${seed}`)
    assert.ok(calls() <= 2 * count, `seed ${seed}`)
  }
})

test('where the destination goes away in the middle, what is not written yet is left for later', async () => {
  let calls = 0
  const { putInParts, written, refused } = begin((offsets) => {
    poison(1)(offsets)
    if (++calls === 3) throw new RetriableError('away')
  })
  const outcome = await putInParts.afterFailure(records(8), new DataError('cannot write'))
  assert.deepEqual([written, refused], [[0, 2, 3], [1]])
  assert.deepEqual(offsetsOf(outcome.left), [4, 5, 6, 7])
  assert.match(String(outcome.error), /away/)
})

test('an error that is not about records is not looked into', async () => {
  const refusal = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })
  assert.equal(putVerdict(refusal), 'again')
  assert.equal(putVerdict(new RetriableError('busy')), 'again')
  assert.equal(putVerdict(new DataError('no number')), 'look')
  assert.equal(putVerdict(new TypeError('x is undefined')), 'look')
  const { putInParts, refused, calls } = begin(() => {})
  const outcome = await putInParts.afterFailure(records(4), refusal)
  assert.deepEqual(offsetsOf(outcome.left), [0, 1, 2, 3])
  assert.deepEqual([refused, calls()], [[], 0])
})

test('records that the sink names are refused without another call; those that it may write later are left', async () => {
  const { putInParts, refused, calls } = begin(() => {}, { isDivisible: false })
  const error = new PartialPutError('2 of 5 failed', [
    { index: 3, error: new RetriableError('busy') },
    { index: 1, error: new DataError('no number') },
  ])
  const outcome = await putInParts.afterFailure(records(5), error)
  assert.deepEqual(offsetsOf(outcome.left), [3])
  assert.deepEqual([refused, calls()], [[1], 0])
  await assert.rejects(
    putInParts.afterFailure(records(1), new PartialPutError('beyond', [{ index: 1, error: new DataError('x') }])),
    /names record|says that record 1 of a batch of 1 failed/,
  )
})

test('a batch of a sink that says nothing of itself is not divided', async () => {
  const { putInParts, calls } = begin(() => {}, { isDivisible: false })
  await assert.rejects(
    putInParts.afterFailure(records(5), new DataError('no number')),
    (error: Error) => /^Which of the 5 records cannot be written is not known/.test(error.message) && error.cause instanceof DataError,
  )
  assert.equal(calls(), 0)
})

test('put is called a bounded number of times', async () => {
  const { putInParts, calls } = begin(poison(...offsetsOf(records(500))), { attemptsMax: 100 })
  await assert.rejects(putInParts.afterFailure(records(500), new DataError('no')), /more than 100 times \(millrace\.errors\.put\.attempts\.max\)/)
  assert.ok(calls() <= 100, `${calls()} calls`)
})

test('a task that shall end puts no further part', async () => {
  let calls = 0
  const { putInParts, written } = begin(() => void calls++, { isStopping: () => calls === 1 })
  const outcome = await putInParts.afterFailure(records(4), new DataError('no'))
  assert.deepEqual([written, offsetsOf(outcome.left), outcome.error], [[0, 1], [2, 3], null])
})

test('what takes long is left for the next turn, once something of it is done', async () => {
  let nowMs = 0
  const { putInParts, written, refused } = begin(
    (offsets) => {
      nowMs += 6_000
      poison(0)(offsets)
    },
    { now: () => nowMs },
  )
  const outcome = await putInParts.afterFailure(records(8), new DataError('no'))
  // Three halvings take 18 s before the first record is done.
  assert.deepEqual([written, refused, offsetsOf(outcome.left), outcome.error], [[], [0], [1, 2, 3, 4, 5, 6, 7], null])
  assert.deepEqual(await putInParts.putEach([outcome.left]), { left: [], error: null })
  assert.deepEqual(written, [1, 2, 3, 4, 5, 6, 7])
})

test('parts that are given are put one after the other', async () => {
  const { putInParts, written, calls } = begin(poison(2))
  assert.deepEqual(await putInParts.putEach([[record(0)], [record(1), record(2)], [record(3)]]), { left: [], error: null })
  assert.deepEqual([written, calls()], [[0, 1, 3], 5])
})
