import type { IncomingMessage } from 'node:http'

/** Headers of requests that scripts of other origins may send. */
const ALLOWED_HEADERS = ['X-Requested-With', 'Content-Type', 'Accept', 'Origin']
const PREFLIGHT_MAX_AGE_S = 1800

/**
 * Lets scripts of the origins in `access.control.allow.origin` use the API (Jetty's `CrossOriginFilter` with its defaults).
 * @returns the headers to add to the answer of a request; null where the feature is off.
 */
export function crossOrigin(allowOrigin: string, allowMethods: string): ((request: IncomingMessage) => Readonly<Record<string, string>>) | null {
  const origins = list(allowOrigin)
  if (origins.length === 0) return null
  const methods = allowMethods.trim() === '' ? ['GET', 'POST', 'HEAD'] : list(allowMethods)
  const anyOrigin = origins.includes('*')
  const patterns = origins.map(originPattern)
  return (request) => {
    const origin = request.headers.origin
    if (origin === undefined) return {}
    if (!anyOrigin && !origin.split(' ').some((one) => patterns.some((pattern) => pattern.test(one)))) return {}
    const always = { 'Access-Control-Allow-Origin': origin, ...(anyOrigin ? {} : { Vary: 'Origin' }), 'Access-Control-Allow-Credentials': 'true' }
    const asked = request.headers['access-control-request-method']
    if (request.method !== 'OPTIONS' || asked === undefined) return always
    if (!methods.includes(asked) || !list(request.headers['access-control-request-headers'] ?? '').every(isAllowedHeader)) return {}
    return {
      ...always,
      'Access-Control-Max-Age': String(PREFLIGHT_MAX_AGE_S),
      'Access-Control-Allow-Methods': methods.join(','),
      'Access-Control-Allow-Headers': ALLOWED_HEADERS.join(','),
    }
  }
}

function isAllowedHeader(name: string): boolean {
  return ALLOWED_HEADERS.some((allowed) => allowed.toLowerCase() === name.toLowerCase())
}

/** `http://*.example.com`: stars match anything. */
function originPattern(origin: string): RegExp {
  return new RegExp(
    `^${origin
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  )
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
