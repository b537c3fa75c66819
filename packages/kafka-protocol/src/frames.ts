import { type ApiName, apiByKey, apis, type RequestBody, type RequestInput, type ResponseBody, type ResponseInput } from './apis.ts'
import { ErrorCode } from './error-codes.ts'
import { ProtocolError } from './errors.ts'
import type { Fields, Message, VersionRange } from './fields.ts'
import { Reader } from './reader.ts'
import { Writer } from './writer.ts'

/*
 * Frame          => size (int32, of what follows)  Header  Body
 * RequestHeader  => api_key (int16)  api_version (int16)  correlation_id (int32)  client_id (nullable string, never compact)  [TaggedFields if flexible]
 * ResponseHeader => correlation_id (int32)  [TaggedFields if flexible, but never for ApiVersions]
 *
 * What the encoders return begins with the size. What the decoders take is the frame after the size, as `FrameSplitter` gives it.
 */

export interface RequestHeader {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
}

interface RequestHead {
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
}

/** A request as it goes to a broker, with its size in front. */
export function encodeRequest<A extends ApiName>(request: RequestHead & { readonly api: A; readonly body: RequestInput<A> }): Buffer {
  const writer = new Writer()
  beginRequest(writer, request.api, request)
  bodyOf(request.api, 'request').encode(writer, request.version, request.body)
  return endFrame(writer)
}

/** Leaves room for the size and writes the request header; finish with `endFrame`. */
export function beginRequest(writer: Writer, api: ApiName, { version, correlationId, clientId }: RequestHead): void {
  writer.reserve(4)
  writer.int16(apis[api].key)
  writer.int16(version)
  writer.int32(correlationId)
  writer.string(clientId)
  if (version >= apis[api].flexibleFrom) writer.noTaggedFields()
}

/** Leaves room for the size and writes the response header; finish with `endFrame`. */
export function beginResponse(writer: Writer, api: ApiName, version: number, correlationId: number): void {
  writer.reserve(4)
  writer.int32(correlationId)
  if (hasFlexibleResponseHeader(api, version)) writer.noTaggedFields()
}

/**
 * Writes the size of the frame in its place.
 *
 * @param bytesBeside bytes of the frame that are not in the writer (records that are sent without being copied).
 */
export function endFrame(writer: Writer, bytesBeside = 0): Buffer {
  writer.patchI32(0, writer.pos - 4 + bytesBeside)
  return writer.result()
}

/** Key, version, correlation and client id of a request: what a broker looks at before it knows whether it can read the rest. */
export function readRequestHeader(frame: Buffer): RequestHeader {
  return readHeader(new Reader(frame))
}

function readHeader(reader: Reader): RequestHeader {
  return { apiKey: reader.int16(), version: reader.int16(), correlationId: reader.int32(), clientId: reader.nullableString() }
}

/** A request of any kind; `api` tells which `body` it has. */
export type DecodedRequest = {
  [A in ApiName]: {
    readonly api: A
    readonly version: number
    readonly correlationId: number
    readonly clientId: string | null
    readonly body: RequestBody<A>
  }
}[ApiName]

/**
 * Reads a request. Bytes fields are views of the frame.
 *
 * @param limits `elementsMax`: how many elements all its arrays together may have; default no limit.
 * @throws ProtocolError for an API or version that is not known (look with `readRequestHeader` first: an unknown version of ApiVersions
 *   has to be answered with `encodeUnsupportedApiVersions`), for broken bytes, and for bytes left over.
 */
export function decodeRequest(frame: Buffer, { elementsMax }: { readonly elementsMax?: number } = {}): DecodedRequest {
  const reader = new Reader(frame, 0, frame.length, elementsMax)
  const { apiKey, version, correlationId, clientId } = readHeader(reader)
  const api = requireApi(apiKey)
  skipRequestHeaderTags(reader, api, version)
  const body = bodyOf(api, 'request').decode(reader, version)
  requireEnd(reader, api)
  // The compiler cannot see that body and name belong together.
  return { api, version, correlationId, clientId, body } as DecodedRequest
}

function skipRequestHeaderTags(reader: Reader, api: ApiName, version: number): void {
  if (version >= apis[api].flexibleFrom) reader.skipTaggedFields()
}

/** A response as it goes to a client, with its size in front. */
export function encodeResponse<A extends ApiName>(response: {
  readonly api: A
  readonly version: number
  readonly correlationId: number
  readonly body: ResponseInput<A>
}): Buffer {
  const { api, version, correlationId, body } = response
  const writer = new Writer()
  beginResponse(writer, api, version, correlationId)
  bodyOf(api, 'response').encode(writer, version, body)
  return endFrame(writer)
}

/**
 * The answer to an ApiVersions request of a version that the broker does not offer: version 0 with UNSUPPORTED_VERSION and the versions of
 * ApiVersions itself that it does, from which the client learns what to ask (KIP-511).
 */
export function encodeUnsupportedApiVersions(correlationId: number, versions: VersionRange): Buffer {
  const { key } = apis.ApiVersions
  return encodeResponse({
    api: 'ApiVersions',
    version: 0,
    correlationId,
    body: { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: [{ apiKey: key, minVersion: versions.min, maxVersion: versions.max }] },
  })
}

/**
 * Reads the response to a request of the given API and version. Bytes fields are views of the frame.
 *
 * An ApiVersions response in version 0 with UNSUPPORTED_VERSION is recognised whatever `version` was asked for.
 *
 * @throws ProtocolError for broken bytes and for bytes left over.
 */
export function decodeResponse<A extends ApiName>(api: A, version: number, frame: Buffer): { readonly correlationId: number; readonly body: ResponseBody<A> } {
  const reader = new Reader(frame)
  const correlationId = readResponseHeader(reader, api, version)
  const bodyVersion = api === 'ApiVersions' && isUnsupportedVersion(frame, reader.pos) ? 0 : version
  const body = bodyOf(api, 'response').decode(reader, bodyVersion)
  requireEnd(reader, api)
  return { correlationId, body: body as ResponseBody<A> }
}

/** Moves a reader past a response header; returns the correlation id. */
export function readResponseHeader(reader: Reader, api: ApiName, version: number): number {
  const correlationId = reader.int32()
  if (hasFlexibleResponseHeader(api, version)) reader.skipTaggedFields()
  return correlationId
}

function isUnsupportedVersion(frame: Buffer, pos: number): boolean {
  return frame.length >= pos + 2 && frame.readInt16BE(pos) === ErrorCode.UNSUPPORTED_VERSION
}

function hasFlexibleResponseHeader(api: ApiName, version: number): boolean {
  return api !== 'ApiVersions' && version >= apis[api].flexibleFrom
}

function requireApi(apiKey: number): ApiName {
  const api = apiByKey(apiKey)
  if (!api) throw new ProtocolError(`The request has the unknown API key ${apiKey}.`)
  return api
}

/** @throws ProtocolError for a version that is not declared. */
export function requireVersion(api: ApiName, version: number): void {
  const { min, max } = apis[api].versions
  if (version < min || version > max) throw new ProtocolError(`${api} has no version ${version}; known are ${min} to ${max}.`)
}

/** @throws ProtocolError unless all bytes were read: left-over bytes mean that both sides understand the message differently. */
export function requireEnd(reader: Reader, api: ApiName): void {
  if (reader.remaining > 0) throw new ProtocolError(`A message of the kind "${api}" has ${reader.remaining} bytes left over behind it.`)
}

/** The compiler cannot follow the name to its message; every caller keeps name and body together. */
function bodyOf(api: ApiName, side: 'request' | 'response'): Message<Fields> {
  return apis[api][side] as unknown as Message<Fields>
}
