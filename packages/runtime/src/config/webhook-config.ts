import { ConfigDef, ConfigError, lambda, type Password, range, validList, validString } from '@millrace/api'

/** What a webhook can be told of. */
export const webhookEvents = ['failed', 'recovered', 'stalled', 'restarts_given_up', 'worker_left', 'worker_joined'] as const

export type WebhookEvent = (typeof webhookEvents)[number]
export type WebhookFormat = 'json' | 'slack'

/** `millrace.webhook.*`. */
export interface WebhookConfig {
  /** May hold a secret, as those of Slack do: never shown. */
  readonly url: URL
  /** Value of the header `Authorization`; null for none. */
  readonly authorization: string | null
  readonly format: WebhookFormat
  readonly events: readonly WebhookEvent[]
  /** For one attempt. Milliseconds. */
  readonly timeoutMs: number
  /** Attempts after the first one. */
  readonly retriesMax: number
  /** Before the first retry; doubled with each, with a random part, up to a minute. Milliseconds. */
  readonly retryBackoffMs: number
  /** For how long the same is not told again. Milliseconds. */
  readonly repeatIntervalMs: number
}

const URL_KEY = 'millrace.webhook.url'

const httpUrl = lambda((name, value) => {
  const url = (value as Password | null)?.value
  // The value is not repeated: it may hold a secret.
  if (url !== undefined && !(URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)))
    throw new ConfigError(`Invalid value for configuration ${name}: it has to be a URL that begins with http:// or https://.`, { key: name })
}, 'URL, http or https')

export const webhookConfigDef = new ConfigDef()
  .define(URL_KEY, {
    type: 'PASSWORD',
    default: null,
    importance: 'MEDIUM',
    validator: httpUrl,
    documentation: 'URL that is told of failures and recoveries by POST requests. Counts as a secret. Default: nobody is told.',
  })
  .define('millrace.webhook.authorization', {
    type: 'PASSWORD',
    default: null,
    importance: 'LOW',
    documentation: 'Value of the header Authorization of these requests, such as "Bearer ...".',
  })
  .define('millrace.webhook.format', {
    type: 'STRING',
    default: 'json',
    importance: 'LOW',
    validator: validString.in('json', 'slack'),
    documentation: 'Body of these requests: json with a field for each fact, or slack for incoming webhooks of Slack and those that understand the same.',
  })
  .define('millrace.webhook.events', {
    type: 'LIST',
    default: ['failed', 'recovered', 'stalled', 'restarts_given_up', 'worker_left'],
    importance: 'LOW',
    validator: validList.in(...webhookEvents),
    documentation:
      'What is told: failed, recovered, stalled, restarts_given_up (of connectors and tasks), worker_left, worker_joined (by the leader of a cluster).',
  })
  .define('millrace.webhook.timeout.ms', {
    type: 'INT',
    default: 10_000,
    importance: 'LOW',
    validator: range.between(10, 600_000),
    documentation: 'Milliseconds that one request may take.',
  })
  .define('millrace.webhook.retries.max', {
    type: 'INT',
    default: 5,
    importance: 'LOW',
    validator: range.between(0, 100),
    documentation: 'How often a request is sent again that failed, timed out, or was answered with 408, 429 or 5xx. Each other answer ends it.',
  })
  .define('millrace.webhook.retry.backoff.ms', {
    type: 'INT',
    default: 1000,
    importance: 'LOW',
    validator: range.between(1, 60_000),
    documentation: 'Milliseconds before the first of these; doubled each time up to a minute. A header Retry-After asks for more.',
  })
  .define('millrace.webhook.repeat.interval.ms', {
    type: 'LONG',
    default: 300_000,
    importance: 'LOW',
    validator: range.atLeast(0),
    documentation: 'Milliseconds in which the same change of the same connector or task for the same reason is told once.',
  })

/** @param parsed by `webhookConfigDef`. @returns null where nobody is to be told. */
export function webhookConfig(parsed: ReturnType<typeof webhookConfigDef.parse>): WebhookConfig | null {
  const url = parsed[URL_KEY]
  if (url === null) return null
  return {
    url: new URL(url.value),
    authorization: parsed['millrace.webhook.authorization']?.value ?? null,
    format: parsed['millrace.webhook.format'] === 'slack' ? 'slack' : 'json',
    events: parsed['millrace.webhook.events'] as readonly WebhookEvent[],
    timeoutMs: parsed['millrace.webhook.timeout.ms'],
    retriesMax: parsed['millrace.webhook.retries.max'],
    retryBackoffMs: parsed['millrace.webhook.retry.backoff.ms'],
    repeatIntervalMs: parsed['millrace.webhook.repeat.interval.ms'],
  }
}
