import { type ClientConfigRequest, ConfigDef, type ConfigValue, type Logger, nonEmptyString, type Properties } from '@millrace/api'

/* Plug-ins that have settings and do nothing, for tests of validation and herder. */

export class LinesSourceConnector {
  config(): ConfigDef {
    return new ConfigDef()
      .define('file', { type: 'STRING', default: null, importance: 'HIGH', documentation: 'File to read.' })
      .define('topic', { type: 'STRING', importance: 'HIGH', documentation: 'Topic to write to.', validator: nonEmptyString })
      .define('batch.size', { type: 'INT', default: 2000, importance: 'LOW', documentation: 'Lines per poll.' })
  }
}

export class LinesSinkConnector {
  config(): ConfigDef {
    return new ConfigDef().define('file', { type: 'STRING', default: null, importance: 'HIGH', documentation: 'File to write.' })
  }
}

export class TextConverter {
  config(): ConfigDef {
    return new ConfigDef()
      .define('converter.type', { type: 'STRING', importance: 'LOW', documentation: 'What is converted.' })
      .define('trim', { type: 'BOOLEAN', default: false, importance: 'LOW', documentation: 'Whether blanks are dropped.', group: 'Text' })
  }
}

/** Knows `answer` and `password` of any path, but for the path `broken`. */
export class SecretsConfigProvider {
  #prefix = ''

  config(): ConfigDef {
    return new ConfigDef()
  }

  configure(properties: Properties, logger?: Logger): void {
    this.#prefix = properties.prefix ?? ''
    logger?.info('The vault is open')
  }

  get(path: string, keys: ReadonlySet<string>): { data: Properties } {
    if (path === 'broken') throw new Error('vault is sealed')
    const known: Properties = { answer: '42', password: 's3cret', again: '${secrets::answer}' }
    return { data: Object.fromEntries([...keys].flatMap((key) => (known[key] === undefined ? [] : [[key, this.#prefix + known[key]]]))) }
  }
}

/** Lets `linger.ms` be overridden and nothing else. */
export class LingerPolicy {
  config(): ConfigDef {
    return new ConfigDef()
  }

  configure(_properties: Properties, logger?: Logger): void {
    logger?.warn('Linger is deprecated')
  }

  validate({ clientProperties }: ClientConfigRequest): ConfigValue[] {
    return Object.entries(clientProperties).map(([name, value]) => ({
      name,
      value,
      recommendedValues: [],
      errorMessages: name === 'linger.ms' ? [] : [`The 'Linger' policy does not allow '${name}' to be overridden in the connector configuration.`],
      visible: true,
    }))
  }
}
