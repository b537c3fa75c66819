import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { brokenJsonLine } from '../data.ts'
import { linesInFile, recordsInTopic } from './arrival.ts'
import type { Lane } from './lane.ts'
import { type Arrival, runRepeated } from './repeated.ts'
import { withTopicEnds } from './topic-end.ts'
import { fillTopic } from './topic-to-file.ts'

/** JSON objects of 290 bytes of which every tenth is cut off, from a topic into a file; the broken ones into a dead-letter topic, with the reason in headers. */
export const deadLetters: Lane = {
  name: 'dead-letters',
  async run(bench) {
    const { name } = deadLetters
    const records = Math.round((500_000 * bench.scale) / 10) * 10
    const topic = `${bench.prefix}${name}-input`
    await fillTopic(bench, { name, records, line: brokenJsonLine }, topic)
    return withTopicEnds(bench.bootstrapServers, (ends) =>
      runRepeated(bench, {
        name,
        title: `${records.toLocaleString('en-US')} JSON objects of 290 B, 10 % of them broken: topic → file, JsonConverter without schemas, dead letters with headers`,
        records,
        workerProperties: {},
        wanted: { throughput: 2.5, cpuPerMillion: 1 / 3, rssPeak: 1 / 6 },
        async repeat(worker, connector) {
          const file = join(bench.folder, `${connector}.txt`)
          const letters = `${connector}-letters`
          await worker.client.createConnector({
            name: connector,
            config: {
              'connector.class': 'FileStreamSink',
              file,
              topics: topic,
              'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
              'value.converter.schemas.enable': 'false',
              'errors.tolerance': 'all',
              'errors.deadletterqueue.topic.name': letters,
              'errors.deadletterqueue.topic.replication.factor': '1',
              'errors.deadletterqueue.context.headers.enable': 'true',
            },
          })
          const arrivals = await Promise.all([linesInFile(worker, file, records * 0.9), recordsInTopic(ends, worker, letters, records * 0.1)])
          await worker.client.deleteConnector(connector)
          rmSync(file)
          return later(...arrivals)
        },
      }),
    )
  },
}

function later(a: Arrival, b: Arrival): Arrival {
  return a.at > b.at ? a : b
}
