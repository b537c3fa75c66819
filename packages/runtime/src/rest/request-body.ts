import type { IncomingMessage } from 'node:http'
import { RestError } from '../herder/errors.ts'

/** Larger bodies are refused with 413. The original has no limit; no connector configuration comes near it. */
export const BODY_BYTES_MAX = 8 * 1024 * 1024
/** What the bodies of all requests that are being handled may hold together; more are refused with 503. */
const ALL_BODIES_BYTES_MAX = 64 * 1024 * 1024
/** How much of a body that is too large is read before its connection is closed. */
const DISCARDED_BYTES_MAX = 64 * 1024 * 1024

/** A body that was read, or why it was not. */
export type RequestBody = { readonly bytes: Buffer } | { readonly refusal: 413 | 503 }

/** Reads bodies of requests, and bounds what they hold together. */
export class RequestBodyReader {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax = ALL_BODIES_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  /**
   * Reads a body, and hands it to `work`; its bytes count until that has ended. One that cannot be kept is read on and thrown away, so that the client gets
   * to read the answer, but not without end. @throws RestError 400 where the client breaks off.
   */
  async withBody<T>(request: IncomingMessage, work: (body: RequestBody) => Promise<T>): Promise<T> {
    const held = { bytes: 0 }
    try {
      return await work(await this.#read(request, held))
    } finally {
      this.#bytes -= held.bytes
    }
  }

  #read(request: IncomingMessage, held: { bytes: number }): Promise<RequestBody> {
    const chunks: Buffer[] = []
    let bytes = 0
    let refusal: 413 | 503 | null = null
    return new Promise((resolve, reject) => {
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (refusal === null) refusal = this.#refusalOf(bytes, chunk.length)
        if (refusal === null) {
          held.bytes += chunk.length
          this.#bytes += chunk.length
          chunks.push(chunk)
        } else if (bytes > DISCARDED_BYTES_MAX) resolve({ refusal })
        else chunks.length = 0
      })
      request.once('end', () => resolve(refusal === null ? { bytes: Buffer.concat(chunks) } : { refusal }))
      request.once('error', () => reject(new RestError(400, 'HTTP 400 Bad Request')))
      request.once('close', () => reject(new RestError(400, 'HTTP 400 Bad Request')))
    })
  }

  #refusalOf(bodyBytes: number, moreBytes: number): 413 | 503 | null {
    if (bodyBytes > BODY_BYTES_MAX) return 413
    return this.#bytes + moreBytes > this.#bytesMax ? 503 : null
  }
}
