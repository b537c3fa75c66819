import { composite, ConfigDef, type ConnectRecord, javaRegExp, nonEmptyString, type Predicate, type Properties } from '@millrace/api'
import { validRegex } from '../valid-regex.ts'

const config = new ConfigDef().define('pattern', {
  type: 'STRING',
  importance: 'MEDIUM',
  documentation: "Regular expression that the whole name of a record's topic has to match.",
  validator: composite(nonEmptyString, validRegex),
})

/** Whether the name of a record's topic matches (`org.apache.kafka.connect.transforms.predicates.TopicNameMatches`). */
export class TopicNameMatches<R extends ConnectRecord> implements Predicate<R> {
  #pattern = /(?:)/

  config(): ConfigDef {
    return config
  }

  configure(properties: Properties): void {
    this.#pattern = javaRegExp(config.parse(properties).pattern)
  }

  test({ topic }: R): boolean {
    return this.#pattern.test(topic)
  }
}
