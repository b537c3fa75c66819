import type { ApiName, RequestBody, ResponseInput, VersionRange } from '@millrace/kafka-protocol'
import { apis, encodeResponse } from '@millrace/kafka-protocol'
import type { BrokerMeta } from './broker-meta.ts'
import type { BrokerLogger } from './broker-logger.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { FetchSessions } from './fetch-sessions.ts'
import type { GroupCoordinator } from './groups/group-coordinator.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { OfferedApis } from './offered-apis.ts'
import type { PartitionLeaders } from './partition-leaders.ts'
import type { SaslServer, SaslSession } from './security/sasl-session.ts'
import type { Topics } from './topics.ts'
import type { TransactionCoordinator } from './transactions/transaction-coordinator.ts'

/** The only node of the cluster: broker, leader of all partitions, coordinator of all groups and transactions, controller. */
export const NODE_ID = 1

/** What the APIs act on. */
export interface BrokerServices {
  readonly config: BrokerConfig
  readonly meta: BrokerMeta
  readonly topics: Topics
  readonly leaders: PartitionLeaders
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  readonly fetchSessions: FetchSessions
  /** What clients may ask. */
  readonly offered: OfferedApis
  /** Undefined where the listener has no SASL. */
  readonly sasl: SaslServer | undefined
  /** For requests and records; what an answer holds of it is released when the answer has been sent. */
  readonly buffers: BufferPool
  /** For requests that have not come wholly, or are not answered. */
  readonly requestMemory: MemoryBudget
  /** For records on their way to consumers. */
  readonly answerMemory: MemoryBudget
  readonly logger: BrokerLogger
  /** Milliseconds since 1970. */
  readonly clock: () => number
}

/** One request, decoded, with where it came from. */
export interface Request<A extends ApiName> {
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Its bytes are views of the request's buffer, which is used again once the request has been answered: keep copies only. */
  readonly body: RequestBody<A>
  /** Address of the client, as Kafka shows it in the members of a group: `/127.0.0.1`. */
  readonly clientHost: string
  /** Where this client reaches the broker. */
  readonly advertised: { readonly host: string; readonly port: number }
  /** How far the client has authenticated; undefined where the listener has no SASL. */
  readonly sasl: SaslSession | undefined
  /** What the answer tells the client to wait; milliseconds. */
  readonly throttleTimeMs: number
  /** Calls the listener once when the answer has left, or never will. */
  onAnswered(listener: () => void): void
  /** Calls the listener once when the connection is closed while the request waits; the result takes the listener back. */
  onClosed(listener: () => void): () => void
}

/** Buffers of one frame, null for no answer at all, or `'close'` for closing the connection instead. */
export type Answer = readonly Buffer[] | null | 'close'

/**
 * One API. Handlers run one at a time for each connection, in the order of the requests; those that wait return a promise, during which other
 * connections go on.
 */
export interface ApiHandler<A extends ApiName = ApiName> {
  readonly api: A
  /** The versions that are offered, both included. */
  readonly versions: VersionRange
  /**
   * Answers a request. A KafkaError that it throws becomes the answer of `fail`; any other error is logged and answered with UNKNOWN_SERVER_ERROR.
   */
  answer(request: Request<A>, services: BrokerServices): Answer | Promise<Answer>
  /** The answer that says for everything the request names that it failed. */
  fail(request: Request<A>, errorCode: number): Answer
}

/** Declares an API whose answer is encoded from a body. */
export function apiHandler<A extends ApiName>(declaration: {
  readonly api: A
  readonly versions: VersionRange
  respond(request: Request<A>, services: BrokerServices): ResponseInput<A> | Promise<ResponseInput<A>>
  failed(request: Request<A>, errorCode: number): ResponseInput<A>
}): ApiHandler<A> {
  const { api, versions } = declaration
  const canThrottle = 'throttleTimeMs' in apis[api].response.fields
  const encode = ({ version, correlationId, throttleTimeMs }: Request<A>, body: ResponseInput<A>): Answer => {
    const told = throttleTimeMs > 0 && canThrottle ? { ...body, throttleTimeMs } : body
    return [encodeResponse({ api, version, correlationId, body: told })]
  }
  return {
    api,
    versions,
    answer(request, services) {
      const body = declaration.respond(request, services)
      return body instanceof Promise ? body.then((late) => encode(request, late)) : encode(request, body)
    },
    fail: (request, errorCode) => encode(request, declaration.failed(request, errorCode)),
  }
}
