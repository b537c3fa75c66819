import type { IncomingMessage, ServerResponse } from 'node:http'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** What the access log says of an answered request. */
export interface AccessLogEntry {
  readonly remoteAddress: string
  readonly timestampMs: number
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly bytes: number
  readonly durationMs: number
}

/** NCSA's extended format with the milliseconds at the end, as the original's access log has it. */
export function accessLogLine({ remoteAddress, timestampMs, request, response, bytes, durationMs }: AccessLogEntry): string {
  const { referer, 'user-agent': userAgent } = request.headers
  const requestLine = `${request.method} ${request.url} HTTP/${request.httpVersion}`
  return `${remoteAddress} - - [${ncsaTime(timestampMs)}] "${quoted(requestLine)}" ${response.statusCode} ${bytes} "${quoted(referer ?? '')}" "${quoted(userAgent ?? '')}" ${Math.round(durationMs)}`
}

/** Clients choose this text: no line of theirs may look like a line of ours. */
function quoted(text: string): string {
  return text.replace(/[\0-\x1f\x7f"\\]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function ncsaTime(timestampMs: number): string {
  const at = new Date(timestampMs)
  const two = (number: number) => String(number).padStart(2, '0')
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`
  return `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}:${time} +0000`
}
