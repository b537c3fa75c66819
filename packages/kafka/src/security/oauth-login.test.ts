import assert from 'node:assert/strict'
import { createPublicKey, createVerify, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type TestContext } from 'node:test'
import { temporaryFolder } from '@millrace/testing'
import { silentLogger } from '../logger.ts'
import { parseJaasConfig } from './jaas-config.ts'
import { oauthConfig } from './oauth-config.ts'
import { OauthLogin, refreshTimeMs } from './oauth-login.ts'
import { parseToken, unsecuredToken } from './oauth-token.ts'

const stores = join(import.meta.dirname, '..', '..', 'testdata')
const MODULE = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required'
const names = { scope: 'scope', subject: 'sub' }

type Properties = Readonly<Record<string, string>>

interface Seen {
  readonly authorization: string | undefined
  readonly body: URLSearchParams
}

function jwt(claims: object): string {
  const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`
}

/** A token endpoint that answers as the test says; its address is allowed until the test ends. */
async function endpoint(t: TestContext, answer: (response: ServerResponse, count: number) => void, isSecure = false): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const pems = { key: readFileSync(join(stores, 'server-key.pem')), cert: readFileSync(join(stores, 'server.pem')) }
  const server = isSecure ? createSecureServer(pems) : createServer()
  server.on('request', async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ authorization: request.headers.authorization, body: new URLSearchParams(body) })
    answer(response, seen.length)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `http${isSecure ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}/token`
  allow(t, 'urls', url)
  return { url, seen }
}

function allow(t: TestContext, what: 'urls' | 'files', value: string): void {
  const before = process.env.KAFKA_OPTS
  process.env.KAFKA_OPTS = `${before ?? ''} -Dorg.apache.kafka.sasl.oauthbearer.allowed.${what}=${value}`
  t.after(() => {
    if (before === undefined) delete process.env.KAFKA_OPTS
    else process.env.KAFKA_OPTS = before
  })
}

interface Login {
  readonly login: OauthLogin
  readonly warnings: string[]
  readonly clock: { now: number }
}

function loginOf(properties: Properties, options = '', nowMs = 1_000_000): Login {
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (text: string) => warnings.push(text) }
  const config = oauthConfig((name) => properties[name] ?? null, parseJaasConfig(`${MODULE} ${options};`), logger)
  const clock = { now: nowMs }
  return { login: new OauthLogin(config, { logger, wallClockMs: () => clock.now, random: () => 0 }), warnings, clock }
}

function credentials(url: string): Properties {
  return {
    'sasl.oauthbearer.token.endpoint.url': url,
    'sasl.oauthbearer.client.credentials.client.id': 'my id',
    'sasl.oauthbearer.client.credentials.client.secret': 'hidden:/+ secret',
    'sasl.login.retry.backoff.ms': '1',
    'sasl.login.retry.backoff.max.ms': '200',
  }
}

const valid = jwt({ sub: 'alice', exp: 4600, iat: 1000 })

test('gets a token for client credentials, once for all who ask', async (t) => {
  const { url, seen } = await endpoint(t, (response) => response.end(JSON.stringify({ access_token: valid })))
  const { login } = loginOf({ ...credentials(url), 'sasl.oauthbearer.scope': 'a b&c' })
  const [first, second] = await Promise.all([login.token(), login.token()])
  assert.deepEqual(first, { value: valid, principal: 'alice', expiresAtMs: 4_600_000, issuedAtMs: 1_000_000 })
  assert.equal(second, first)
  assert.equal(seen.length, 1)
  assert.equal(seen[0]!.authorization, `Basic ${Buffer.from('my id:hidden:/+ secret').toString('base64')}`)
  assert.deepEqual(
    [...seen[0]!.body],
    [
      ['grant_type', 'client_credentials'],
      ['scope', 'a b&c'],
    ],
  )
})

test('encodes the credentials for the header where that is asked for', async (t) => {
  const { url, seen } = await endpoint(t, (response) => response.end(JSON.stringify({ access_token: valid })))
  await loginOf({ ...credentials(url), 'sasl.oauthbearer.header.urlencode': 'true' }).login.token()
  assert.equal(Buffer.from(seen[0]!.authorization!.slice(6), 'base64').toString(), 'my+id:hidden%3A%2F%2B+secret')
})

test('takes the older options of the login module, with a warning', async (t) => {
  const { url, seen } = await endpoint(t, (response) => response.end(JSON.stringify({ id_token: valid })))
  const { login, warnings } = loginOf({ 'sasl.oauthbearer.token.endpoint.url': url }, 'clientId="a" clientSecret="b" scope="c"')
  await login.token()
  assert.equal(seen[0]!.authorization, `Basic ${Buffer.from('a:b').toString('base64')}`)
  assert.equal(seen[0]!.body.get('scope'), 'c')
  assert.equal(warnings.length, 3)
})

test('asks an endpoint over TLS with the options of the login module', async (t) => {
  const { url } = await endpoint(t, (response) => response.end(JSON.stringify({ access_token: valid })), true)
  const trust = `ssl.truststore.location="${join(stores, 'truststore.p12')}" ssl.truststore.password="store-secret"`
  // Names with dots are read by Java as words too.
  assert.equal((await loginOf(credentials(url), trust).login.token()).principal, 'alice')
  await assert.rejects(loginOf(credentials(url)).login.token(), { code: 'NETWORK_EXCEPTION', message: /could not be asked/ })
})

test('asks again while the endpoint is not well, and not when it refuses', async (t) => {
  const weak = await endpoint(t, (response, count) => {
    if (count < 3) response.writeHead(503).end('busy')
    else response.end(JSON.stringify({ access_token: valid }))
  })
  await loginOf(credentials(weak.url)).login.token()
  assert.equal(weak.seen.length, 3)
  const strict = await endpoint(t, (response) => response.writeHead(401).end('{"error":"invalid_client","error_description":"no"}'))
  await assert.rejects(loginOf(credentials(strict.url)).login.token(), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'SASL_AUTHENTICATION_FAILED')
    assert.match(error.message, /^The response code 401 and error response \{"invalid_client" - "no"\} was encountered/)
    return !error.message.includes('hidden')
  })
  assert.equal(strict.seen.length, 1)
})

test('refuses answers that are no token', async (t) => {
  for (const [answer, message] of [
    ['', /unexpectedly empty/],
    ['no JSON', /did not contain a valid JWT/],
    ['{"access_token":7}', /did not contain a valid JWT/],
    ['{"access_token":"a.b"}', /Malformed JWT provided; expected three sections/],
    [JSON.stringify({ access_token: jwt({ sub: 'alice' }) }), /exp value must be non-null/],
    [JSON.stringify({ access_token: jwt({ exp: 1 }) }), /sub value must be non-null/],
    ['x'.repeat(2_000_000), /could not be asked/],
  ] as const) {
    const { url } = await endpoint(t, (response) => response.end(answer))
    await assert.rejects(loginOf({ ...credentials(url), 'sasl.login.retry.backoff.max.ms': '1' }).login.token(), message)
  }
})

test('does not wait for an endpoint that never answers', async (t) => {
  const { url } = await endpoint(t, (response) => t.after(() => response.destroy()))
  const properties = { ...credentials(url), 'sasl.login.connect.timeout.ms': '20', 'sasl.login.read.timeout.ms': '20', 'sasl.login.retry.backoff.max.ms': '1' }
  await assert.rejects(loginOf(properties).login.token(), { code: 'NETWORK_EXCEPTION', retriable: true, message: /no answer within 40 ms/ })
})

test('a client that is closed asks no longer', async (t) => {
  const { url } = await endpoint(t, (response) => response.writeHead(500).end())
  const { login } = loginOf({ ...credentials(url), 'sasl.login.retry.backoff.ms': '100000', 'sasl.login.retry.backoff.max.ms': '100000' })
  const token = login.token()
  setImmediate(() => login.close())
  await assert.rejects(token, { code: 'CLIENT_CLOSED' })
})

test('refreshes a token before it expires, and goes on with it while that fails', async (t) => {
  let isWell = true
  let lifetime = 3600
  const { url, seen } = await endpoint(t, (response) => {
    if (!isWell) return response.writeHead(500).end()
    lifetime += 3600
    return response.end(JSON.stringify({ access_token: jwt({ sub: 'alice', exp: lifetime }) }))
  })
  const { login, warnings, clock } = loginOf({ ...credentials(url), 'sasl.login.retry.backoff.max.ms': '1' }, '', 3_600_000)
  const first = await login.token()
  assert.equal(first.expiresAtMs, 7_200_000)
  clock.now = 3_600_000 + 0.8 * 3_600_000 - 1
  assert.equal(await login.token(), first)
  clock.now += 1
  isWell = false
  assert.equal(await login.token(), first)
  assert.match(warnings.at(-1)!, /could not be refreshed; it is used until it expires/)
  const asked = seen.length
  clock.now += 9_999
  assert.equal(await login.token(), first)
  assert.equal(seen.length, asked, 'it is not asked again within ten seconds')
  clock.now = 7_200_000
  await assert.rejects(login.token(), { code: 'NETWORK_EXCEPTION' })
  isWell = true
  assert.equal((await login.token()).expiresAtMs, 10_800_000)
})

test('refreshes when Java would', () => {
  const token = { value: '', principal: '', issuedAtMs: 0, expiresAtMs: 3_600_000 }
  const refresh = { windowFactor: 0.8, windowJitter: 0.05, minPeriodSeconds: 60, bufferSeconds: 300 }
  assert.equal(refreshTimeMs(token, 0, refresh, 0), 2_880_000)
  assert.equal(refreshTimeMs(token, 0, refresh, 1), 3_060_000)
  assert.equal(refreshTimeMs(token, 0, { ...refresh, bufferSeconds: 900 }, 0), 2_700_000, 'not within the buffer')
  assert.equal(refreshTimeMs(token, 2_850_000, refresh, 0), 2_910_000, 'not before the minimum period')
  assert.equal(refreshTimeMs(token, 3_500_000, refresh, 0), 3_580_000, 'both are ignored for a short rest')
  assert.equal(refreshTimeMs(token, 4_000_000, refresh, 0), 4_000_000, 'an expired one at once')
})

test('reads a token from a file', async (t) => {
  const file = join(temporaryFolder(t), 'token')
  writeFileSync(file, `${valid}\n`)
  const properties = { 'sasl.oauthbearer.token.endpoint.url': pathToFileURL(file).href }
  assert.throws(() => loginOf(properties), /The URL cannot be accessed due to restrictions/)
  allow(t, 'urls', properties['sasl.oauthbearer.token.endpoint.url'])
  assert.throws(() => loginOf(properties), /The file cannot be accessed due to restrictions.*allowed\.files/)
  allow(t, 'files', file)
  assert.equal((await loginOf(properties).login.token()).value, valid)
})

test('speaks for itself with a signed assertion', async (t) => {
  for (const algorithm of ['RS256', 'ES256'] as const) {
    const { url, seen } = await endpoint(t, (response) => response.end(JSON.stringify({ access_token: valid })))
    const pair = algorithm === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const file = join(temporaryFolder(t), 'key.pem')
    writeFileSync(file, pair.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hidden' }))
    allow(t, 'files', file)
    const { login } = loginOf({
      'sasl.oauthbearer.token.endpoint.url': url,
      'sasl.oauthbearer.jwt.retriever.class': 'org.apache.kafka.common.security.oauthbearer.JwtBearerJwtRetriever',
      'sasl.oauthbearer.assertion.algorithm': algorithm,
      'sasl.oauthbearer.assertion.private.key.file': file,
      'sasl.oauthbearer.assertion.private.key.passphrase': 'hidden',
      'sasl.oauthbearer.assertion.claim.iss': 'me',
      'sasl.oauthbearer.assertion.claim.sub': 'alice',
      'sasl.oauthbearer.assertion.claim.jti.include': 'true',
    })
    await login.token()
    assert.equal(seen[0]!.body.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer')
    const [header, payload, signature] = seen[0]!.body.get('assertion')!.split('.')
    const isSigned = createVerify('sha256')
      .update(`${header}.${payload}`)
      .verify({ key: createPublicKey(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string), dsaEncoding: 'ieee-p1363' }, signature!, 'base64url')
    assert.ok(isSigned)
    const { jti, ...claims } = JSON.parse(Buffer.from(payload!, 'base64url').toString())
    assert.deepEqual(claims, { iss: 'me', sub: 'alice', iat: 1000, exp: 1300, nbf: 940 })
    assert.match(jti, /^[0-9a-f-]{36}$/)
  }
})

test('asks no address and reads no file that the operator has not allowed', async () => {
  const url = 'http://127.0.0.1:1/token'
  assert.throws(() => loginOf(credentials(url)), {
    code: 'INVALID_CONFIGURATION',
    message: /The URL cannot be accessed due to restrictions\. Update the system property 'org\.apache\.kafka\.sasl\.oauthbearer\.allowed\.urls'/,
  })
  for (const [bad, message] of [
    ['ftp://x/', /invalid protocol \(ftp\)/],
    ['nonsense', /malformed/],
  ] as const) {
    assert.throws(() => loginOf(credentials(bad)), message)
  }
})

test('makes the unsecured token that the options describe', () => {
  const options = parseJaasConfig(
    `${MODULE} unsecuredLoginStringClaim_sub="alice" unsecuredLoginNumberClaim_n="2" unsecuredLoginListClaim_scope="|a|b" unsecuredLoginLifetimeSeconds="60";`,
  ).options
  const token = unsecuredToken(options, 1_500_500)
  assert.deepEqual({ ...token, value: '' }, { value: '', principal: 'alice', issuedAtMs: 1_500_500, expiresAtMs: 1_560_500 })
  const [header, payload, signature] = token.value.split('.')
  assert.deepEqual(JSON.parse(Buffer.from(header!, 'base64url').toString()), { alg: 'none' })
  assert.deepEqual(JSON.parse(Buffer.from(payload!, 'base64url').toString()), { exp: 1560.5, iat: 1500.5, sub: 'alice', n: 2, scope: ['a', 'b'] })
  assert.equal(signature, '')
  assert.throws(() => unsecuredToken(new Map(), 0), /OAUTHBEARER needs a token/)
  assert.throws(() => unsecuredToken(new Map([['unsecuredLoginStringClaim_exp', '1']]), 0), /Cannot explicitly set the 'exp' claim/)
  assert.throws(() => unsecuredToken(new Map([['unsecuredLoginStringClaim_x', '1']]), 0), /No principal name in JWT claim: sub/)
})

test('tells no token in an error', () => {
  for (const value of ['hidden', 'hidden.hidden.hidden', `a.${Buffer.from('{"hidden').toString('base64url')}.c`]) {
    assert.throws(
      () => parseToken(value, names),
      (error: Error) => !error.message.includes('hidden'),
    )
  }
})
