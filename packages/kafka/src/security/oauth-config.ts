import { fileURLToPath } from 'node:url'
import { configurationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { JaasEntry } from './jaas-config.ts'
import { javaAllowList } from './java-system-properties.ts'
import { type AssertionConfig, assertion } from './oauth-assertion.ts'
import type { RefreshConfig } from './oauth-login.ts'
import { type ClaimNames, UNSECURED_EXTENSION_PREFIX } from './oauth-token.ts'
import { checkedExtensions } from './sasl-oauthbearer.ts'
import { fraction, truth, wholeNumber } from './settings.ts'
import { type ReadSetting, type TlsConfig, tlsConfig } from './tls-config.ts'
import type { TokenEndpointConfig, TokenRequest } from './token-endpoint.ts'

/** The complete settings of OAUTHBEARER. */
export interface OauthConfig {
  readonly source: TokenSource
  readonly claims: ClaimNames
  readonly refresh: RefreshConfig
  /** Sent to the broker along with the token (KIP-342). */
  readonly extensions: ReadonlyMap<string, string>
}

export type TokenSource =
  | { readonly kind: 'unsecured'; readonly options: ReadonlyMap<string, string> }
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'endpoint'
      readonly endpoint: TokenEndpointConfig
      /** null: not `https:`. */
      readonly tls: TlsConfig | null
      readonly request: (nowMs: number) => Promise<TokenRequest>
    }

const CLASSES = 'org.apache.kafka.common.security.oauthbearer'
const UNSECURED_HANDLER = `${CLASSES}.internals.unsecured.OAuthBearerUnsecuredLoginCallbackHandler`
const SECURED_HANDLERS = [`${CLASSES}.OAuthBearerLoginCallbackHandler`, `${CLASSES}.secured.OAuthBearerLoginCallbackHandler`]
const RETRIEVERS = ['Default', 'ClientCredentials', 'File', 'JwtBearer'] as const
const VALIDATORS = ['DefaultJwtValidator', 'ClientJwtValidator']
const URL_KEY = 'sasl.oauthbearer.token.endpoint.url'
/** Java waits for ever where nothing is set. */
const TIMEOUT_MS = 10_000

/**
 * Reads the `sasl.oauthbearer.*` and `sasl.login.*` settings and the options of the login module.
 *
 * @throws KafkaError `INVALID_CONFIGURATION`, with Java's message where Java has one; no secret is in it.
 */
export function oauthConfig(read: ReadSetting, { options }: JaasEntry, logger: Logger): OauthConfig {
  const isUnsecured = usesUnsecuredTokens(read, options)
  return {
    source: isUnsecured ? { kind: 'unsecured', options } : tokenSource(read, options, logger),
    extensions: checkedExtensions(options, isUnsecured ? UNSECURED_EXTENSION_PREFIX : 'extension_'),
    claims: { scope: claimName(read, 'scope'), subject: claimName(read, 'sub') },
    refresh: {
      windowFactor: fraction(read, 'sasl.login.refresh.window.factor', { min: 0.5, max: 1 }) ?? 0.8,
      windowJitter: fraction(read, 'sasl.login.refresh.window.jitter', { min: 0, max: 0.25 }) ?? 0.05,
      minPeriodSeconds: wholeNumber(read, 'sasl.login.refresh.min.period.seconds', { max: 900 }) ?? 60,
      bufferSeconds: wholeNumber(read, 'sasl.login.refresh.buffer.seconds', { max: 3600 }) ?? 300,
    },
  }
}

/** Java makes unsecured tokens unless the handler says otherwise; here an endpoint alone says so too, if no option asks for such a token. */
function usesUnsecuredTokens(read: ReadSetting, options: ReadonlyMap<string, string>): boolean {
  const handler = read('sasl.login.callback.handler.class')
  if (handler === UNSECURED_HANDLER) return true
  if (handler && !SECURED_HANDLERS.includes(handler)) {
    throw configurationError(
      `The configuration "sasl.login.callback.handler.class" is not supported: "${handler}" is a Java class. Use ${SECURED_HANDLERS[0]}.`,
    )
  }
  if (handler) return false
  return read(URL_KEY) === null || [...options.keys()].some((name) => name.startsWith('unsecuredLogin'))
}

function tokenSource(read: ReadSetting, options: ReadonlyMap<string, string>, logger: Logger): TokenSource {
  const validator = read('sasl.oauthbearer.jwt.validator.class')
  if (validator && !VALIDATORS.some((name) => validator === `${CLASSES}.${name}`)) throw unknownClass('sasl.oauthbearer.jwt.validator.class', validator)
  const retriever = retrieverOf(read)
  const url = endpointUrl(read)
  if (retriever === 'File' || (retriever === 'Default' && url.protocol === 'file:')) {
    if (url.protocol !== 'file:') throw configurationError(`The OAuth configuration option ${URL_KEY} has to be a file: URL for FileJwtRetriever`)
    return { kind: 'file', path: tokenFile(url) }
  }
  if (url.protocol === 'file:')
    throw configurationError(`The OAuth configuration option ${URL_KEY} has to be an http: or https: URL for ${retriever}JwtRetriever`)
  const endpoint: TokenEndpointConfig = {
    url,
    timeoutMs: (wholeNumber(read, 'sasl.login.connect.timeout.ms') ?? TIMEOUT_MS) + (wholeNumber(read, 'sasl.login.read.timeout.ms') ?? TIMEOUT_MS),
    retryBackoffMs: wholeNumber(read, 'sasl.login.retry.backoff.ms') ?? 100,
    retryBackoffMaxMs: wholeNumber(read, 'sasl.login.retry.backoff.max.ms') ?? 10_000,
  }
  const tls = url.protocol === 'https:' ? tlsConfig((name) => options.get(name)?.trim() ?? null, logger) : null
  const request = retriever === 'JwtBearer' ? jwtBearerRequest(read) : clientCredentialsRequest(read, options, logger)
  return { kind: 'endpoint', endpoint, tls, request }
}

function retrieverOf(read: ReadSetting): (typeof RETRIEVERS)[number] {
  const className = read('sasl.oauthbearer.jwt.retriever.class')
  if (!className) return 'Default'
  const found = RETRIEVERS.find((name) => className === `${CLASSES}.${name}JwtRetriever`)
  if (!found) throw unknownClass('sasl.oauthbearer.jwt.retriever.class', className)
  return found
}

function unknownClass(name: string, className: string): Error {
  return configurationError(`The configuration "${name}" is not supported: "${className}" is a Java class that is not known here.`)
}

/** Connectors bring settings along that reach this point; so, as in Java, only what the operator allows is ever asked or read. */
function endpointUrl(read: ReadSetting): URL {
  const text = read(URL_KEY)
  if (!text) throw configurationError(`The OAuth configuration option ${URL_KEY} value is required`)
  if (!URL.canParse(text)) throw configurationError(`The OAuth configuration option ${URL_KEY} contains a URL (${text}) that is malformed`)
  const url = new URL(text)
  if (!['http:', 'https:', 'file:'].includes(url.protocol)) {
    const protocol = url.protocol.slice(0, -1)
    throw configurationError(
      `The OAuth configuration option ${URL_KEY} contains a URL (${text}) that contains an invalid protocol (${protocol}); only "http", "https", and "file" protocol are supported`,
    )
  }
  requireAllowed('URL', 'org.apache.kafka.sasl.oauthbearer.allowed.urls', text)
  return url
}

function tokenFile(url: URL): string {
  const path = fileURLToPath(url)
  requireAllowed('file', 'org.apache.kafka.sasl.oauthbearer.allowed.files', path)
  return path
}

function requireAllowed(what: 'URL' | 'file', property: string, value: string): void {
  if (javaAllowList(property).includes(value)) return
  throw configurationError(
    `${value}: The ${what} cannot be accessed due to restrictions. Update the system property '${property}' to allow the ${what} to be accessed, in the environment: KAFKA_OPTS="-D${property}=${value}"`,
  )
}

const FORM_HEADERS = { Accept: 'application/json', 'Cache-Control': 'no-cache', 'Content-Type': 'application/x-www-form-urlencoded' }

function clientCredentialsRequest(read: ReadSetting, options: ReadonlyMap<string, string>, logger: Logger): (nowMs: number) => Promise<TokenRequest> {
  const scope = configOrJaas(read, options, logger, 'sasl.oauthbearer.scope', 'scope')
  const scopeParameter = scope === null ? '' : `&scope=${formEncoded(scope)}`
  if (read('sasl.oauthbearer.assertion.file') || read('sasl.oauthbearer.assertion.claim.iss')) {
    const config = assertionConfig(read)
    const clientId = configOrJaas(read, options, logger, 'sasl.oauthbearer.client.credentials.client.id', 'clientId')
    const clientParameter = clientId === null ? '' : `&client_id=${formEncoded(clientId)}`
    const type = 'urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer'
    return async (nowMs) => ({
      headers: FORM_HEADERS,
      body: `client_assertion_type=${type}&client_assertion=${formEncoded(await assertion(config, nowMs))}&grant_type=client_credentials${clientParameter}${scopeParameter}`,
    })
  }
  const id = required('clientId', configOrJaas(read, options, logger, 'sasl.oauthbearer.client.credentials.client.id', 'clientId'))
  const secret = required('clientSecret', configOrJaas(read, options, logger, 'sasl.oauthbearer.client.credentials.client.secret', 'clientSecret'))
  const pair = truth(read, 'sasl.oauthbearer.header.urlencode') ? `${formEncoded(id)}:${formEncoded(secret)}` : `${id}:${secret}`
  const Authorization = `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`
  return async () => ({ headers: { ...FORM_HEADERS, Authorization }, body: `grant_type=client_credentials${scopeParameter}` })
}

function jwtBearerRequest(read: ReadSetting): (nowMs: number) => Promise<TokenRequest> {
  const scope = read('sasl.oauthbearer.scope')
  const scopeParameter = scope ? `&scope=${formEncoded(scope)}` : ''
  const config = assertionConfig(read)
  const type = formEncoded('urn:ietf:params:oauth:grant-type:jwt-bearer')
  return async (nowMs) => ({
    headers: FORM_HEADERS,
    body: `grant_type=${type}&assertion=${formEncoded(await assertion(config, nowMs))}${scopeParameter}`,
  })
}

function assertionConfig(read: ReadSetting): AssertionConfig {
  const file = read('sasl.oauthbearer.assertion.file')
  const allowed = (path: string): string => {
    requireAllowed('file', 'org.apache.kafka.sasl.oauthbearer.allowed.files', path)
    return path
  }
  if (file) return { kind: 'file', path: allowed(file) }
  const algorithm = read('sasl.oauthbearer.assertion.algorithm') ?? 'RS256'
  const known = (['RS256', 'ES256'] as const).find((name) => name === algorithm.toUpperCase())
  if (!known) throw configurationError(`Unsupported signing algorithm: ${algorithm}`)
  const template = read('sasl.oauthbearer.assertion.template.file')
  const claims = (['aud', 'iss', 'sub'] as const).map((name) => [name, read(`sasl.oauthbearer.assertion.claim.${name}`)] as const)
  return {
    kind: 'signed',
    algorithm: known,
    privateKeyFile: allowed(required('sasl.oauthbearer.assertion.private.key.file', read('sasl.oauthbearer.assertion.private.key.file'))),
    passphrase: read('sasl.oauthbearer.assertion.private.key.passphrase'),
    templateFile: template ? allowed(template) : null,
    claims: Object.fromEntries(claims.filter((pair): pair is [(typeof pair)[0], string] => pair[1] !== null)),
    expiresSeconds: wholeNumber(read, 'sasl.oauthbearer.assertion.claim.exp.seconds', { max: 86_400 }) ?? 300,
    notBeforeSeconds: wholeNumber(read, 'sasl.oauthbearer.assertion.claim.nbf.seconds', { max: 3600 }) ?? 60,
    includesId: truth(read, 'sasl.oauthbearer.assertion.claim.jti.include') ?? false,
  }
}

/** KIP-1139 moved these from the options of the login module into settings, which win. */
function configOrJaas(read: ReadSetting, options: ReadonlyMap<string, string>, logger: Logger, name: string, option: string): string | null {
  const value = read(name)
  const older = options.get(option)?.trim() || null
  if (value && older) {
    logger.warn(
      `Both the OAuth configuration ${name} as well as the JAAS option ${option} (from the sasl.jaas.config configuration) were provided. Since the ${option} JAAS option is deprecated, it will be ignored and the value from the ${name} configuration will be used`,
    )
  } else if (older) {
    logger.warn(
      `The OAuth JAAS option ${option} was configured in sasl.jaas.config, but that JAAS option is deprecated and will be removed. Please update your configuration to use the ${name} configuration instead.`,
    )
  }
  return value || older
}

function required(name: string, value: string | null): string {
  if (!value) throw configurationError(`The OAuth configuration option ${name} value is required`)
  return value
}

function claimName(read: ReadSetting, claim: 'scope' | 'sub'): string {
  return read(`sasl.oauthbearer.${claim}.claim.name`) || claim
}

/** As `application/x-www-form-urlencoded` and Java's `URLEncoder` have it. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}
