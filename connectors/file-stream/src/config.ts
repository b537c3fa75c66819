import { ConfigDef, nonEmptyString } from '@millrace/api'

export const sourceConfig = new ConfigDef()
  .define('file', {
    type: 'STRING',
    default: null,
    importance: 'HIGH',
    documentation: 'Source filename. If not specified, the standard input will be used',
  })
  .define('topic', {
    type: 'STRING',
    importance: 'HIGH',
    documentation: 'The topic to publish data to',
    validator: nonEmptyString,
  })
  .define('batch.size', {
    type: 'INT',
    default: 2000,
    importance: 'LOW',
    documentation: 'The maximum number of records the source task can read from the file each time it is polled',
  })

export const sinkConfig = new ConfigDef().define('file', {
  type: 'STRING',
  default: null,
  importance: 'HIGH',
  documentation: 'Destination filename. If not specified, the standard output will be used',
})
