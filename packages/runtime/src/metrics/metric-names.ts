import type { Metric, MetricStyle } from './metric.ts'

/** What a metric is called in Prometheus, and the label that its text goes to, where its value is text. */
export interface ExposedName {
  readonly family: string
  /** Null where the value is a number. */
  readonly textLabel: string | null
}

/** The domain of the MBeans of a group, as in `kafka.connect:type=connector-metrics`. */
function domainOf(group: string): string {
  for (const client of ['producer', 'consumer', 'admin-client']) if (group.startsWith(`${client}-`)) return `kafka.${client.replace('-', '.')}`
  return 'kafka.connect'
}

export function exposedName(style: MetricStyle, { group, name }: Pick<Metric, 'group' | 'name'>, isText: boolean): ExposedName {
  const prefix = prefixOf(style, group)
  const textLabel = isText ? labelName(style, name) : null
  // Without rules the exporter drops text; Confluent's rules put it into a label of one metric for the whole group.
  return { family: sanitized(isText && style === 'full' && !isOwn(group) ? prefix : `${prefix}_${name}`), textLabel }
}

function prefixOf(style: MetricStyle, group: string): string {
  if (isOwn(group)) return group
  const domain = domainOf(group)
  if (style === 'full') return `${domain}_${group}`
  const type = group.replace(/-metrics$/, '')
  if (domain !== 'kafka.connect' || type === 'connect' || type.startsWith('connect-')) return `kafka_${type}`
  return `kafka_connect_${type}`
}

/** An addition, whose names are the same in both styles. */
function isOwn(group: string): boolean {
  return group.startsWith('millrace')
}

/** Tags of clients are `client-id` in JMX, `clientid` under the short names and `client_id` under the full ones. */
export function labelName(style: MetricStyle, tag: string): string {
  return style === 'short' && (tag === 'client-id' || tag === 'node-id') ? tag.replace('-', '') : sanitized(tag)
}

/** As the JMX exporter does it: in small letters, with one underscore for all that Prometheus does not take. */
function sanitized(name: string): string {
  const text = name.replace(/[^a-zA-Z0-9]+/g, '_').toLowerCase()
  return /^[0-9]/.test(text) ? `_${text}` : text
}
