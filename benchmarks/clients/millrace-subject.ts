// Our client as one side of the benchmarks of clients: does what it is told over a connection to the runner, a line for each repetition.
// The other side is ClientSubject.java, line by line the same.
//
//   node benchmarks/clients/millrace-subject.ts PORT SCENARIO

import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { compressionOf, Consumer, decompress as decompressed, Producer, silentLogger } from '@millrace/kafka'
import type { ClientScenario } from './client-scenario.ts'

const VALUES = 1024
const BLOCK_BYTES = 65536
/** As long as the loops of the runtime, too, keep sockets and timers waiting. */
const TURN_MS_MAX = 10

const [port, json] = process.argv.slice(2) as [string, string]
const scenario = JSON.parse(json) as ClientScenario
const { topic, partitions, valueBytes, isRich, properties } = scenario
const pool = readFileSync(scenario.valuesFile)
const values = Array.from({ length: VALUES }, (_, index) => pool.subarray(index * valueBytes, (index + 1) * valueBytes))
const keys = Array.from({ length: VALUES }, (_, index) => Buffer.from(`key-${String(index).padStart(6, '0')}`))
let producer: Producer | null = null
let consumer: Consumer | null = null

const commands: Readonly<Record<string, (records: number) => Promise<void>>> = { produce, consume, compress, decompress }
const socket = connect(Number(port), '127.0.0.1')
for await (const line of createInterface({ input: socket })) {
  const [name = '', records] = line.split(' ')
  await commands[name]?.(Number(records))
  socket.write('done\n')
}

async function produce(records: number): Promise<void> {
  producer ??= new Producer(properties, { logger: silentLogger })
  let acknowledged = 0
  let failure: Error | null = null
  let turnStartedAt = performance.now()
  for (let index = 0; index < records; index++) {
    if (!producer.hasRoom()) await producer.room()
    else if (index % 64 === 0 && performance.now() - turnStartedAt > TURN_MS_MAX) {
      await nextTurn()
      turnStartedAt = performance.now()
    }
    const value = values[index % VALUES] as Buffer
    if (!isRich) {
      producer.send(topic, null, Date.now(), null, value, null, null)
      continue
    }
    const headers = [
      { key: 'source', value: keys[index % 16] as Buffer },
      { key: 'trace-id', value: keys[index % VALUES] as Buffer },
    ]
    producer.send(topic, null, Date.now(), keys[index % VALUES] as Buffer, value, headers, {
      acknowledged(_topic, _partition, offset) {
        acknowledged += offset >= 0 && index >= 0 ? 1 : 0
      },
      failed(error) {
        failure = error
      },
    })
  }
  await producer.flush()
  if (failure !== null) throw failure
  if (producer.metrics.recordsFailed > 0) throw new Error(`${producer.metrics.recordsFailed} records failed`)
  if (isRich && acknowledged !== records) throw new Error(`${acknowledged} of ${records} were acknowledged`)
}

async function consume(records: number): Promise<void> {
  const assignment = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  if (consumer === null) {
    consumer = new Consumer(properties, { logger: silentLogger })
    consumer.assign(assignment)
  }
  consumer.seekToBeginning(assignment)
  let seen = 0
  let bytes = 0
  while (seen < records) {
    const polled = await consumer.poll(10_000)
    if (polled.count === 0) throw new Error(`No records came after ${seen}`)
    for (const run of polled.partitions) {
      while (run.next()) {
        seen++
        bytes += run.buffer.subarray(run.valueStart, run.valueEnd).length
        if (!isRich) continue
        bytes += run.buffer.subarray(run.keyStart, run.keyEnd).length
        for (const header of run.headers() ?? []) bytes += header.value?.length ?? 0
      }
    }
  }
  if (bytes < seen * valueBytes) throw new Error('Too few bytes')
}

/** The codec alone, over as many bytes as the values of so many records have. */
async function compress(records: number): Promise<void> {
  const codec = codecOfScenario()
  const block = blockOfValues()
  for (let left = records * valueBytes; left > 0; left -= BLOCK_BYTES) codec.compress(block)
}

async function decompress(records: number): Promise<void> {
  const codec = codecOfScenario()
  const block = Buffer.from(codec.compress(blockOfValues()))
  for (let left = records * valueBytes; left > 0; left -= BLOCK_BYTES) {
    if (decompressed(codec.attribute, block).length !== BLOCK_BYTES) throw new Error('Too few bytes')
  }
}

function codecOfScenario(): NonNullable<ReturnType<typeof compressionOf>> {
  const codec = compressionOf(scenario.codec, { gzip: -1, zstd: 3 })
  if (codec === undefined) throw new Error('The scenario has no codec')
  return codec
}

function blockOfValues(): Buffer {
  return Buffer.concat(Array.from({ length: Math.ceil(BLOCK_BYTES / valueBytes) }, (_, index) => values[index % VALUES] as Buffer)).subarray(0, BLOCK_BYTES)
}
