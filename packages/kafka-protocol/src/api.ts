import { type Fields, type Message, message, type VersionRange } from './fields.ts'

/** A request and its response, in the versions that both share. */
export interface Api<Name extends string, Key extends number, Request extends Fields, Response extends Fields> {
  readonly name: Name
  readonly key: Key
  /** The versions that are declared: those of Kafka 4.3, which all brokers from 2.1 on share. */
  readonly versions: VersionRange
  /** First version with compact lengths, tagged fields and flexible headers (KIP-482); Infinity if there is none. */
  readonly flexibleFrom: number
  readonly request: Message<Request>
  readonly response: Message<Response>
}

/** Declares a request and its response. */
export function api<Name extends string, const Key extends number, const Request extends Fields, const Response extends Fields>(declaration: {
  readonly name: Name
  readonly key: Key
  readonly versions: VersionRange
  readonly flexibleFrom: number
  readonly request: Request
  readonly response: Response
}): Api<Name, Key, Request, Response> {
  return {
    ...declaration,
    request: message(`${declaration.name}Request`, declaration, declaration.request),
    response: message(`${declaration.name}Response`, declaration, declaration.response),
  }
}
