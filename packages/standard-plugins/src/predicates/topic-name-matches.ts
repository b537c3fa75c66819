import { composite, ConfigDef, ConfigError, type ConnectRecord, javaRegExp, lambda, nonEmptyString, type Predicate, type Properties } from '@millrace/api'

const config = new ConfigDef().define('pattern', {
  type: 'STRING',
  importance: 'MEDIUM',
  documentation: "Regular expression that the whole name of a record's topic has to match.",
  validator: composite(nonEmptyString, lambda(ensureRegex, 'valid regex')),
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

function ensureRegex(name: string, value: unknown): void {
  try {
    javaRegExp(String(value))
  } catch (error) {
    throw ConfigError.invalidValue(name, value, `Invalid regex: ${(error as Error).message}`)
  }
}
