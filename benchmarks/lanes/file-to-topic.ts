import { join } from 'node:path'
import { textLine, writeLines } from '../data.ts'
import { recordsInTopic } from './arrival.ts'
import type { Lane } from './lane.ts'
import { runRepeated } from './repeated.ts'
import { withTopicEnds } from './topic-end.ts'

/** Lines of 100 bytes from a file into a topic of one partition, through StringConverter. Each repetition is a new connector with a new topic. */
export const fileToTopic: Lane = {
  name: 'file-to-topic',
  async run(bench) {
    const records = Math.round(2_000_000 * bench.scale)
    const file = join(bench.folder, `lines-${records}.txt`)
    await writeLines(file, records, textLine)
    return withTopicEnds(bench.bootstrapServers, (ends) =>
      runRepeated(bench, {
        name: 'file-to-topic',
        title: `${records.toLocaleString('en-US')} lines of 100 B: file → topic, StringConverter`,
        records,
        workerProperties: {},
        wanted: { throughput: 3, cpuPerMillion: 1 / 4, rssPeak: 1 / 8 },
        async repeat(worker, name) {
          await worker.client.createConnector({ name, config: { 'connector.class': 'FileStreamSource', file, topic: name } })
          const arrival = await recordsInTopic(ends, worker, name, records)
          await worker.client.deleteConnector(name)
          return arrival
        },
      }),
    )
  },
}
