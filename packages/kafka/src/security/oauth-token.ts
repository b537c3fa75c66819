import { configurationError } from '../errors.ts'
import { saslAuthenticationError } from './security-errors.ts'

/** A bearer token. All times in milliseconds of the wall clock. */
export interface OauthToken {
  /** In its serialised form, which is a secret. */
  readonly value: string
  readonly principal: string
  readonly expiresAtMs: number
  /** When it was issued; null if it does not say. */
  readonly issuedAtMs: number | null
}

export interface ClaimNames {
  /** `sasl.oauthbearer.scope.claim.name` */
  readonly scope: string
  /** `sasl.oauthbearer.sub.claim.name` */
  readonly subject: string
}

/**
 * Reads a token as a client sees it: signed or not, it is for the broker to verify. The checks are those of Java's `ClientJwtValidator`.
 *
 * @throws KafkaError `SASL_AUTHENTICATION_FAILED`. The token is not in the message.
 */
export function parseToken(value: string, claims: ClaimNames): OauthToken {
  const token = value.trim()
  if (token === '') throw invalid('Empty JWT provided; expected three sections (header, payload, and signature)')
  const sections = token.split('.')
  if (sections.length !== 3 || sections.some((section) => section.trim() === '')) {
    throw invalid(`Malformed JWT provided; expected three sections (header, payload, and signature), but ${sections.filter(Boolean).length} sections provided`)
  }
  const payload = payloadOf(sections[1]!)
  checkScopes(claims.scope, payload[claims.scope])
  const expires = timestamp('exp', payload.exp)
  if (expires === null) throw invalid('exp value must be non-null')
  return { value: token, principal: text(claims.subject, payload[claims.subject]), expiresAtMs: expires, issuedAtMs: timestamp('iat', payload.iat) }
}

function payloadOf(section: string): Readonly<Record<string, unknown>> {
  try {
    const payload: unknown = JSON.parse(Buffer.from(section, 'base64url').toString('utf8'))
    if (typeof payload === 'object' && payload !== null) return payload as Record<string, unknown>
  } catch {
    // What JSON.parse says may hold parts of the token.
  }
  throw invalid('Could not validate the access token: malformed Base64 URL encoded value')
}

function checkScopes(name: string, value: unknown): void {
  const scopes = (typeof value === 'string' ? [value] : Array.isArray(value) ? value : []).map((scope) => text(name, scope))
  if (new Set(scopes).size !== scopes.length) throw invalid(`${name} value must not contain duplicates`)
}

function text(name: string, value: unknown): string {
  if (value === null || value === undefined) throw invalid(`${name} value must be non-null`)
  if (typeof value !== 'string') throw invalid(`${name} value must be a string`)
  if (value === '') throw invalid(`${name} value must be non-empty`)
  if (value.trim() === '') throw invalid(`${name} value must not contain only whitespace`)
  return value.trim()
}

function timestamp(name: string, seconds: unknown): number | null {
  if (seconds === null || seconds === undefined) return null
  if (typeof seconds !== 'number') throw invalid(`${name} value must be a number`)
  if (seconds < 0) throw invalid(`${name} value must be non-negative; value given was "${seconds}"`)
  return Math.trunc(seconds) * 1000
}

function invalid(message: string): Error {
  return saslAuthenticationError(message)
}

const PREFIX = 'unsecuredLogin'

/** The prefix of the options of a login module that are extensions of an unsecured token. */
export const UNSECURED_EXTENSION_PREFIX = `${PREFIX}Extension_`

/**
 * Makes a token that nobody has signed, from the options of the login module, as Java does by default: for development only.
 *
 * @throws KafkaError `INVALID_CONFIGURATION`.
 */
export function unsecuredToken(options: ReadonlyMap<string, string>, nowMs: number): OauthToken {
  if ([...options.keys()].every((name) => name.startsWith(UNSECURED_EXTENSION_PREFIX))) {
    throw configurationError(
      'OAUTHBEARER needs a token: set "sasl.oauthbearer.token.endpoint.url" and "sasl.login.callback.handler.class", or the option unsecuredLoginStringClaim_sub in "sasl.jaas.config"',
    )
  }
  const lifetime = options.get(`${PREFIX}LifetimeSeconds`) ?? '3600'
  if (!/^[+-]?\d+$/.test(lifetime)) throw configurationError(`For input string: "${lifetime}"`)
  const claims = { exp: nowMs / 1000 + Number(lifetime), iat: nowMs / 1000, ...unsecuredClaims(options) }
  const principalName = options.get(`${PREFIX}PrincipalClaimName`)?.trim() || 'sub'
  const principal = (claims as Record<string, unknown>)[principalName]
  if (typeof principal !== 'string' || principal.trim() === '') throw configurationError(`No principal name in JWT claim: ${principalName}`)
  const encode = (json: unknown) => Buffer.from(JSON.stringify(json), 'utf8').toString('base64url')
  return {
    value: `${encode({ alg: 'none' })}.${encode(claims)}.`,
    principal,
    expiresAtMs: Math.round(claims.exp * 1000),
    issuedAtMs: nowMs,
  }
}

function unsecuredClaims(options: ReadonlyMap<string, string>): Record<string, unknown> {
  const claims: Record<string, unknown> = {}
  for (const [option, value] of options) {
    const [, kind, name] = /^unsecuredLogin(String|Number|List)Claim_(.+)$/.exec(option) ?? []
    if (kind === undefined || name === undefined) continue
    if (name === 'iat' || name === 'exp') throw configurationError(`Cannot explicitly set the '${name}' claim`)
    claims[name] = kind === 'String' ? value : kind === 'Number' ? numberClaim(value) : listClaim(value)
  }
  return claims
}

function numberClaim(value: string): number {
  const number = Number(value)
  if (value.trim() === '' || !Number.isFinite(number)) throw configurationError(`For input string: "${value}"`)
  return number
}

/** The first character is what separates the others. Java puts empty elements together into one at the end. */
function listClaim(value: string): string[] {
  if (value.length <= 1) return []
  const [delimiter, text] = [value[0]!, value.slice(1)]
  const elements = text.split(delimiter)
  const full = elements.filter((element) => element !== '')
  return full.length === elements.length ? full : [...full, '']
}
