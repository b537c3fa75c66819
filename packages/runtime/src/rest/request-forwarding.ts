import type { IncomingHttpHeaders } from 'node:http'
import { RequestTargetError } from '../herder/errors.ts'
import type { WorkerClient, WorkerRequest } from '../herder/distributed/worker-client.ts'
import type { RestAnswer, RestMethod } from './router.ts'

/** A request as it came in. */
export interface ForwardableRequest {
  readonly method: RestMethod
  /** With the query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/**
 * Hands requests on to the worker that can answer them (`HerderRequestHandler`). The first worker that a user asks lets the next one hand on once more: one
 * hop to the leader, one to the owner. Only the `Authorization` header goes along, so that a signed request arrives unsigned and is refused.
 *
 * @param error says whom to ask.
 * @throws RestError 409 after two hops, or where nobody knows the worker to ask; what that worker answers with a status of 400 or more; 500 where it does not answer.
 */
export async function forwardRequest(request: ForwardableRequest, error: RequestTargetError, client: Pick<WorkerClient, 'request'>): Promise<RestAnswer> {
  const { method, headers, body } = request
  const [path = '', query = ''] = request.url.split('?', 2)
  const params = new URLSearchParams(query)
  const forward = params.get('forward')
  if (forward !== null && forward.toLowerCase() !== 'true') throw new RequestTargetError('')
  if (error.url === null) throw error
  params.set('forward', String(forward === null))
  const answer = await client.request({
    method: method satisfies WorkerRequest['method'],
    url: `${error.url.replace(/\/$/, '')}${path}?${params}`,
    body: body.length === 0 ? null : body.toString(),
    authorization: headers.authorization,
  })
  const location = answer.headers.location
  return {
    status: answer.status,
    ...(answer.text === '' ? {} : { body: exactJson(answer.text) }),
    // The client sees the worker that it asked.
    ...(location === undefined ? {} : { location: URL.canParse(location) ? new URL(location).pathname : location }),
  }
}

/** Integers that a number cannot hold stay as they are. */
function exactJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '') ? BigInt(context?.source ?? '') : value,
  )
}
