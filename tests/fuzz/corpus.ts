import { readFileSync } from 'node:fs'
import { type ApiName, apis, encodeRequest, encodeResponse } from '@millrace/kafka-protocol'

/* Bytes in order, from which fuzzing begins: those that the Java client wrote. */

interface StoredMessage {
  readonly api: ApiName
  readonly side: 'request' | 'response'
  readonly version: number
  readonly bytes: string
}

interface StoredBatch {
  readonly codec: string
  readonly bytes: string
}

/** A message as a frame without its size in front. */
export interface Frame {
  readonly api: ApiName
  readonly version: number
  readonly bytes: Buffer
}

const root = new URL('../../', import.meta.url)
const messages = stored<readonly StoredMessage[]>('packages/kafka-protocol/golden/messages.json')
const wire = stored<Readonly<Record<string, string>>>('packages/kafka-protocol/golden/wire.json')

/** Each request in each version, behind its header. */
export const requests: readonly Frame[] = [
  ...framesOf('request', ({ api, version }) => headerOf(encodeRequestHeader(api, version))),
  ...wireFrames('produce', 'Produce'),
]
/** Each response in each version, behind its header. */
export const responses: readonly Frame[] = [
  ...framesOf('response', ({ api, version }) => headerOf(encodeResponseHeader(api, version))),
  ...wireFrames('fetch', 'Fetch'),
]

/** Record batches of each codec. */
export const batches: readonly Buffer[] = stored<readonly StoredBatch[]>('tests/vectors/record-batches.json').map(({ bytes }) => Buffer.from(bytes, 'base64'))

/** Subscriptions and assignments of consumer groups. */
export const groupPayloads: readonly Buffer[] = Object.entries(wire)
  .filter(([name]) => /^(subscription|assignment)\./.test(name))
  .map(([, hex]) => Buffer.from(hex, 'hex'))

function framesOf(side: StoredMessage['side'], header: (message: StoredMessage) => Buffer): Frame[] {
  return messages
    .filter((message) => message.side === side)
    .map((message) => ({ api: message.api, version: message.version, bytes: Buffer.concat([header(message), Buffer.from(message.bytes, 'hex')]) }))
}

function wireFrames(name: string, api: ApiName): Frame[] {
  return Object.entries(wire)
    .filter(([key]) => key.startsWith(`${name}.`))
    .map(([key, hex]) => ({ api, version: Number(key.slice(name.length + 1)), bytes: Buffer.from(hex, 'hex') }))
}

/** Without the size in front. */
function headerOf(frame: Buffer): Buffer {
  return frame.subarray(4)
}

/** Requests that take no fields have the header of every other with the same flexibility. */
function encodeRequestHeader(api: ApiName, version: number): Buffer {
  const isFlexible = version >= apis[api].flexibleFrom
  const frame = encodeRequest({ api: 'ApiVersions', version: isFlexible ? 3 : 0, correlationId: 7, clientId: 'fuzz', body: {} })
  const header = isFlexible ? frame.subarray(0, frame.length - 3) : frame
  header.writeInt16BE(apis[api].key, 4)
  header.writeInt16BE(version, 6)
  return header
}

function encodeResponseHeader(api: ApiName, version: number): Buffer {
  const isFlexible = api !== 'ApiVersions' && version >= apis[api].flexibleFrom
  // Correlation id, and the count of tagged fields.
  const frame = encodeResponse({ api: 'Heartbeat', version: 0, correlationId: 7, body: { errorCode: 0 } }).subarray(0, 8)
  return isFlexible ? Buffer.concat([frame, Buffer.from([0])]) : frame
}

function stored<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, root), 'utf8')) as T
}
