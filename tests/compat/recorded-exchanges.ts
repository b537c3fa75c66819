import { readFileSync } from 'node:fs'
import { javaTraceOf } from './java-trace.ts'

/*
 * Exchanges with the REST API of Apache Kafka Connect 4.3.1, recorded from a real worker and a real broker: `golden-rest.json` in distributed
 * mode, `golden-rest-standalone.json` the same requests in standalone mode. Prose of `documentation` is left out of them.
 */

export interface Exchange {
  readonly request: { readonly method: string; readonly path: string; readonly body?: unknown; readonly contentType?: string }
  readonly status: number
  /** Only `location`, `allow`, and a content type that is not JSON. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
  readonly note?: string
}

/** What was or shall be answered. */
export type Answer = Pick<Exchange, 'status' | 'headers' | 'body'>

/** The worker of the recordings. */
export const RECORDED_ORIGIN = '127.0.0.1:8083'

export function recordedExchanges(file: 'golden-rest.json' | 'golden-rest-standalone.json'): readonly Exchange[] {
  return (JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as { exchanges: Exchange[] }).exchanges
}

/** How the table of differences names an exchange: its place and request. */
export function exchangeName({ request }: Exchange, index: number): string {
  return `${index} ${request.method} ${request.path}`
}

/** Takes away what no two workers have in common, and what we add. */
export function comparable(answer: Answer, origin: string): Answer {
  const text = JSON.stringify({ status: answer.status, headers: answer.headers, body: answer.body }).replaceAll(origin, RECORDED_ORIGIN)
  return JSON.parse(text, (key, value: unknown) => {
    if (key === 'millrace') return undefined
    if (key === 'documentation') return typeof value === 'string' && value !== '' ? '<prose omitted>' : value
    if (key === 'commit' || key === 'kafka_cluster_id') return typeof value === 'string' ? `<${key}>` : value
    // Java's frames are Java's: the first line says what failed.
    if (key === 'trace') return typeof value === 'string' ? javaTraceOf(value).split('\n')[0] : value
    return value
  }) as Answer
}

/** Sends a recorded request to a worker. `path` and body are sent as they were written down. */
export async function replay({ request }: Exchange, url: string): Promise<Answer> {
  const { method, path, body, contentType } = request
  const init: RequestInit = { method, headers: { accept: '*/*' } }
  if (body !== undefined) {
    init.body = typeof body === 'string' ? body : spacedJson(body)
    init.headers = { ...init.headers, 'content-type': contentType ?? 'application/json' }
  }
  const response = await fetch(url + path, init)
  const text = await response.text()
  const type = response.headers.get('content-type')
  const kept = ['location', 'allow'].flatMap((name) => {
    const value = response.headers.get(name)
    return value === null ? [] : [[name, value] as const]
  })
  const headers = Object.fromEntries([...(type === null || type === 'application/json' ? [] : [['content-type', type] as const]), ...kept])
  // The original names no type where no resource was asked.
  return { status: response.status, headers, body: text === '' ? null : type === null || type === 'application/json' ? JSON.parse(text) : text }
}

/** JSON with blanks behind colons and commas, as it was sent for the recordings: messages tell columns. */
function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).map(([key, field]) => `${JSON.stringify(key)}: ${spacedJson(field)}`)
  return `{${fields.join(', ')}}`
}
