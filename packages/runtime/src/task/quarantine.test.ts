import assert from 'node:assert/strict'
import test from 'node:test'
import type { Logger } from '@millrace/api'
import type { ConsumedMessage } from '../errors/dead-letter-queue.ts'
import { partsOfDistinctKeys, Quarantine, type QuarantineLog } from './quarantine.ts'

const logger: Logger = { isDebugEnabled: false, trace() {}, debug() {}, info() {}, warn() {}, error() {} }

function message(offset: number, key: string | null, partition = 0): ConsumedMessage {
  return { topic: 't', partition, offset, timestamp: -1, timestampType: 'CreateTime', key: key === null ? null : Buffer.from(key), value: null, headers: [] }
}

/** A topic that two tasks may share. */
class KeptEntries implements QuarantineLog {
  readonly entries = new Map<string, string | null>()
  readers: ((record: { key: Buffer | null; value: Buffer | null }) => void)[] = []
  refusal: Error | null = null

  async start(): Promise<void> {
    for (const [key, value] of this.entries) this.#handOut(key, value)
  }
  async readToEnd(): Promise<void> {
    await this.start()
  }
  async append(entries: readonly { readonly key: string; readonly value: string | null }[]): Promise<void> {
    if (this.refusal !== null) throw this.refusal
    for (const { key, value } of entries) {
      this.entries.set(key, value)
      this.#handOut(key, value)
    }
  }
  async stop(): Promise<void> {}

  #handOut(key: string, value: string | null): void {
    for (const read of this.readers) read({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) })
  }
}

async function begin(log: KeptEntries, options: { connector?: string; keysMax?: number; failed?: (error: Error) => void } = {}): Promise<Quarantine> {
  const quarantine = new Quarantine({
    connector: options.connector ?? 'orders',
    keysMax: options.keysMax ?? 10,
    log,
    failed: options.failed ?? (() => assert.fail('a key could not be stored')),
    logger,
  })
  log.readers.push((record) => quarantine.read(record))
  await quarantine.start(new AbortController().signal)
  return quarantine
}

test('records of a key are held back behind the one that failed, in its partition only', async () => {
  const quarantine = await begin(new KeptEntries())
  quarantine.add(message(10, 'a'))
  assert.equal(quarantine.heldSince(message(11, 'a')), 10)
  assert.equal(quarantine.heldSince(message(10, 'a')), null, 'the record itself is tried again')
  assert.equal(quarantine.heldSince(message(9, 'a')), null)
  assert.equal(quarantine.heldSince(message(11, 'b')), null)
  assert.equal(quarantine.heldSince(message(11, 'a', 1)), null)
  quarantine.add(message(12, null))
  assert.equal(quarantine.heldSince(message(13, null)), null, 'what has no key cannot be overtaken')
})

test('the first record that failed counts, whichever is known first', async () => {
  const log = new KeptEntries()
  const quarantine = await begin(log)
  quarantine.add(message(14, 'a'))
  quarantine.add(message(10, 'a'))
  quarantine.add(message(12, 'a'))
  assert.equal(quarantine.heldSince(message(11, 'a')), 10)
  assert.equal((await begin(log)).heldSince(message(11, 'a')), 10)
})

test('what one task stored another one knows that takes the partition over, also after a restart', async () => {
  const log = new KeptEntries()
  const long = 'x'.repeat(10_000)
  const first = await begin(log)
  first.add(message(10, 'a'))
  first.add(message(20, long))
  await first.stored()
  assert.ok([...log.entries.keys()].every((key) => key.length < 300))
  const second = await begin(log)
  assert.deepEqual([second.heldSince(message(11, 'a')), second.heldSince(message(21, long)), second.heldSince(message(21, `${long}y`))], [10, 20, null])
  const stranger = await begin(log, { connector: 'payments' })
  assert.equal(stranger.isEmpty, true)
})

test('a tombstone releases a key', async () => {
  const log = new KeptEntries()
  const quarantine = await begin(log)
  quarantine.add(message(10, 'a'))
  await quarantine.stored()
  const [[key] = ['']] = log.entries
  assert.equal(key, '{"connector":"orders","topic":"t","partition":0,"key":"YQ=="}')
  await log.append([{ key, value: null }])
  assert.deepEqual([quarantine.heldSince(message(11, 'a')), quarantine.isEmpty], [null, true])
})

test('it is bounded, and says what to do where it is full', async () => {
  const quarantine = await begin(new KeptEntries(), { keysMax: 2 })
  quarantine.add(message(1, 'a'))
  quarantine.add(message(2, 'b'))
  quarantine.add(message(3, 'a'))
  assert.throws(() => quarantine.add(message(4, 'c')), /2 keys are in quarantine, as many as millrace\.errors\.quarantine\.keys\.max allows/)
})

test('a key that cannot be stored ends the task', async () => {
  const log = new KeptEntries()
  const failures: Error[] = []
  const quarantine = await begin(log, { failed: (error) => failures.push(error) })
  log.refusal = new Error('not authorised')
  quarantine.add(message(10, 'a'))
  assert.equal(quarantine.pending, 1)
  await quarantine.stored()
  assert.match(failures[0]?.message ?? '', /The quarantine of a key of t-0@10 could not be stored/)
})

test('a batch is cut so that no part has a key twice', () => {
  const messages = [message(1, 'a'), message(2, 'b'), message(3, 'a'), message(3, 'a'), message(4, null), message(5, null), message(6, 'a', 1), message(7, 'b')]
  const parts = partsOfDistinctKeys(messages, (each) => each)
  assert.deepEqual(
    parts.map((part) => part.map(({ offset }) => offset)),
    [
      [1, 2],
      [3, 3, 4, 5, 6, 7],
    ],
  )
})
