import { javaStringOf, type SourceRecord } from '@millrace/api'
import type { ConsumedMessage } from '../errors/dead-letter-queue.ts'

/** What the original's log says of a message that failed in a sink, after the stage. */
export function consumedMessageText({ topic, partition, offset, timestamp, timestampType }: ConsumedMessage): string {
  const time = timestampType === 'NoTimestampType' ? '' : `, timestamp=${timestamp}, timestampType=${timestampType}`
  return `, where consumed record is {topic='${topic}', partition=${partition}, offset=${offset}${time}}`
}

/** What the original's log says of a record that failed in a source, after the stage. */
export function sourceRecordText(record: SourceRecord): string {
  const { sourcePartition, sourceOffset, topic, kafkaPartition, keySchema, key, valueSchema, value, timestamp, headers } = record
  const header = Array.from(
    headers ?? [],
    (each) => `ConnectHeader(key=${each.key}, value=${javaStringOf(each.value, each.schema)}, schema=${String(each.schema)})`,
  )
  return (
    `, where source record is = SourceRecord{sourcePartition=${javaStringOf(sourcePartition)}, sourceOffset=${javaStringOf(sourceOffset)}} ` +
    `ConnectRecord{topic='${topic}', kafkaPartition=${String(kafkaPartition)}, key=${javaStringOf(key, keySchema)}, keySchema=${String(keySchema)}, ` +
    `value=${javaStringOf(value, valueSchema)}, valueSchema=${String(valueSchema)}, timestamp=${String(timestamp)}, headers=ConnectHeaders(headers=${
      header.length === 0 ? '' : `[${header.join(', ')}]`
    })}`
  )
}
