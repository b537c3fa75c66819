import { configurationError } from '../errors.ts'

/**
 * The suites of `ssl.cipher.suites`, named as in Java, in the form that Node takes; undefined for none, which leaves the choice to Node.
 *
 * @throws KafkaError `INVALID_CONFIGURATION` for a suite that does not exist here.
 */
export function cipherSuites(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined
  const known = new Set(process.getBuiltinModule('node:tls').getCiphers())
  return names.map((name) => checked(name, known)).join(':')
}

function checked(name: string, known: ReadonlySet<string>): string {
  const own = opensslName(name)
  if (known.has(own.toLowerCase())) return own
  throw configurationError(`Invalid value ${name} for configuration ssl.cipher.suites: Unsupported CipherSuite: ${name}`)
}

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256`; suites of TLS 1.3 have one name everywhere. */
function opensslName(name: string): string {
  const [, exchange, cipher] = /^(?:TLS|SSL)_(.+)_WITH_(.+)$/.exec(name) ?? []
  if (exchange === undefined || cipher === undefined) return name
  const suite = cipher
    .replace(/(AES|ARIA|CAMELLIA)_(\d+)/, '$1$2')
    .replace(/(AES\d+|CAMELLIA\d+)_CBC/, '$1')
    .replace('CHACHA20_POLY1305_SHA256', 'CHACHA20_POLY1305')
  return [...(exchange === 'RSA' ? [] : [exchange]), suite].join('-').replaceAll('_', '-')
}
