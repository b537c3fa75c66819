import { parseType, type Properties } from '@millrace/api'

/** What a connector wants done about records that fail (KIP-298). */
export interface ErrorsConfig {
  readonly tolerance: 'none' | 'all'
  /** Milliseconds; 0: no second try, -1: for ever. */
  readonly retryTimeoutMs: number
  readonly retryDelayMaxMs: number
  readonly isLogged: boolean
  readonly areMessagesLogged: boolean
  /** Of sinks, and of sources that opted in (`millrace.errors.source.deadletterqueue.enable`); null where there is none. */
  readonly deadLetterQueue: { readonly topic: string; readonly replicationFactor: number; readonly hasContextHeaders: boolean } | null
}

/** Reads what validation has accepted. */
export function errorsConfig(connectorConfig: Properties, kind: 'source' | 'sink'): ErrorsConfig {
  const text = (key: string, fallback: string): string => connectorConfig[key]?.trim() || fallback
  const number = (key: string, fallback: string): number => Number(parseType(key, text(key, fallback), 'LONG'))
  const flag = (key: string): boolean => parseType(key, text(key, 'false'), 'BOOLEAN') === true
  const queue = 'errors.deadletterqueue.'
  const topic = kind === 'sink' || flag('millrace.errors.source.deadletterqueue.enable') ? text(`${queue}topic.name`, '') : ''
  return {
    tolerance: text('errors.tolerance', 'none').toLowerCase() === 'all' ? 'all' : 'none',
    retryTimeoutMs: number('errors.retry.timeout', '0'),
    retryDelayMaxMs: number('errors.retry.delay.max.ms', '60000'),
    isLogged: flag('errors.log.enable'),
    areMessagesLogged: flag('errors.log.include.messages'),
    deadLetterQueue:
      topic === ''
        ? null
        : { topic, replicationFactor: number(`${queue}topic.replication.factor`, '3'), hasContextHeaders: flag(`${queue}context.headers.enable`) },
  }
}
