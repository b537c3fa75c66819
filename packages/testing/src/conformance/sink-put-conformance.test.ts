import { DataError, PartialPutError, type SinkRecord, type SinkTask } from '@millrace/api'
import { sinkPutConformance } from './sink-put-conformance.ts'

function record(offset: number, value: string): SinkRecord {
  const coordinates = { originalTopic: 't', originalKafkaPartition: 0, originalKafkaOffset: offset }
  const data = { keySchema: null, key: `k${offset}`, valueSchema: null, value, timestamp: null, headers: null }
  return { topic: 't', kafkaPartition: 0, ...data, kafkaOffset: offset, timestampType: 'CreateTime', ...coordinates }
}

const isBad = ({ value }: SinkRecord) => value === 'bad'

/** The three ways to tell of a batch that fails, each as short as it can be. */
const ways: readonly {
  readonly name: string
  readonly delivery?: 'idempotent' | 'transactional'
  readonly put: (rows: Map<unknown, string>, records: readonly SinkRecord[]) => void
}[] = [
  {
    name: 'a sink that names records',
    put(rows, records) {
      const failures = records.flatMap((each, index) => (isBad(each) ? [{ index, error: new DataError('refused') }] : []))
      for (const each of records) if (!isBad(each)) rows.set(each.key, String(each.value))
      if (failures.length > 0) throw new PartialPutError('refused', failures)
    },
  },
  {
    name: 'an idempotent sink',
    delivery: 'idempotent',
    put(rows, records) {
      for (const each of records) {
        if (isBad(each)) throw new DataError('refused')
        rows.set(each.key, String(each.value))
      }
    },
  },
  {
    name: 'a transactional sink',
    delivery: 'transactional',
    put(rows, records) {
      if (records.some(isBad)) throw new DataError('refused')
      for (const each of records) rows.set(each.key, String(each.value))
    },
  },
]

for (const { name, delivery, put } of ways) {
  sinkPutConformance(name, {
    start() {
      const rows = new Map<unknown, string>()
      const task: SinkTask = { ...(delivery === undefined ? {} : { delivery }), start() {}, put: (records) => put(rows, records), stop() {} }
      return { task, written: () => [...rows.values()], stop() {} }
    },
    good: (number) => record(number, `good ${number}`),
    bad: (number) => record(number, 'bad'),
    textOf: ({ value }) => String(value),
  })
}
