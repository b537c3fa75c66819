import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { jsonLine, textLine, writeLines } from '../data.ts'
import type { LaneResult, Sample } from '../measurement.ts'
import { untilReady } from '../ready.ts'
import { sources } from '../sides.ts'
import { linesInFile, recordsInTopic } from './arrival.ts'
import type { Bench, Lane } from './lane.ts'
import { runRepeated } from './repeated.ts'
import { withTopicEnds } from './topic-end.ts'

/** Records of 100 bytes from a topic into a file, through StringConverter. */
export const topicToFile: Lane = {
  name: 'topic-to-file',
  run: (bench) =>
    runSink(bench, {
      name: 'topic-to-file',
      records: Math.round(2_000_000 * bench.scale),
      what: 'records of 100 B: topic → file, StringConverter',
      line: textLine,
      converter: {},
      wanted: { throughput: 2, cpuPerMillion: 2 / 5, rssPeak: 1 / 6 },
    }),
}

/** JSON objects of 290 bytes from a topic into a file, parsed by JsonConverter without schemas and written as the text of a map. */
export const jsonTopicToFile: Lane = {
  name: 'json-topic-to-file',
  run: (bench) =>
    runSink(bench, {
      name: 'json-topic-to-file',
      records: Math.round(1_000_000 * bench.scale),
      what: 'JSON objects of 290 B: topic → file, JsonConverter without schemas',
      line: jsonLine,
      converter: { 'value.converter': 'org.apache.kafka.connect.json.JsonConverter', 'value.converter.schemas.enable': 'false' },
      wanted: { throughput: 1.6, cpuPerMillion: 2 / 3, rssPeak: 1 / 6 },
    }),
}

interface SinkLane {
  readonly name: string
  readonly records: number
  readonly what: string
  readonly line: (index: number) => string
  readonly converter: Readonly<Record<string, string>>
  readonly wanted: Sample
}

async function runSink(bench: Bench, lane: SinkLane): Promise<LaneResult> {
  const topic = `${bench.prefix}${lane.name}-input`
  await fillTopic(bench, lane, topic)
  return runRepeated(bench, {
    name: lane.name,
    title: `${lane.records.toLocaleString('en-US')} ${lane.what}`,
    records: lane.records,
    workerProperties: {},
    wanted: lane.wanted,
    async repeat(worker, name) {
      // A new name is a new consumer group, which reads from the start.
      const file = join(bench.folder, `${name}.txt`)
      await worker.client.createConnector({ name, config: { 'connector.class': 'FileStreamSink', file, topics: topic, ...lane.converter } })
      const arrival = await linesInFile(worker, file, lane.records)
      await worker.client.deleteConnector(name)
      rmSync(file)
      return arrival
    },
  })
}

/** By a worker of ours that is gone when the measuring begins. */
export async function fillTopic(bench: Bench, lane: Pick<SinkLane, 'name' | 'records' | 'line'>, topic: string): Promise<void> {
  const file = join(bench.folder, `${lane.name}-${lane.records}.txt`)
  await writeLines(file, lane.records, lane.line)
  const worker = await sources.launch({ folder: join(bench.folder, lane.name, 'filling'), bootstrapServers: bench.bootstrapServers, properties: {} })
  try {
    await untilReady(worker)
    await worker.client.createConnector({ name: topic, config: { 'connector.class': 'FileStreamSource', file, topic } })
    await withTopicEnds(bench.bootstrapServers, (ends) => recordsInTopic(ends, worker, topic, lane.records))
  } finally {
    await worker.process.stop()
  }
}
