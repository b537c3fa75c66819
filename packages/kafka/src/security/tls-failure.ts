import type { KafkaError } from '@millrace/kafka-protocol'
import { networkError } from '../errors.ts'
import { tlsAuthenticationError } from './security-errors.ts'

/** What Node and OpenSSL say, and what it means here. The first that fits counts. */
const explanations: readonly (readonly [RegExp, string])[] = [
  [/^CERT_HAS_EXPIRED$/, 'the certificate of the broker has expired'],
  [/^CERT_NOT_YET_VALID$/, 'the certificate of the broker is not valid yet; check the clocks'],
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?)$/,
    'the certificate of the broker was not issued by an authority that is trusted; add that authority to "ssl.truststore.location" or "ssl.truststore.certificates"',
  ],
  [
    /^(CERT_REVOKED|CERT_UNTRUSTED|CERT_REJECTED|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|CERT_SIGNATURE_FAILURE)$/,
    'the certificate of the broker is not acceptable',
  ],
  [
    /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_TOO_SMALL|HTTP_REQUEST|UNKNOWN_PROTOCOL|BAD_RECORD_TYPE)$/,
    'it does not speak TLS on this port: the listener may be PLAINTEXT or SASL_PLAINTEXT; check "security.protocol" and the port',
  ],
  [
    /^ERR_SSL_.*(UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_PROTOCOLS_AVAILABLE)$/,
    'both sides have no version of TLS in common; check "ssl.enabled.protocols" and "ssl.protocol"',
  ],
  [
    /^ERR_SSL_.*(CERTIFICATE_REQUIRED|NO_CERTIFICATE)/,
    'the broker asks for a certificate of this client; set "ssl.keystore.location", or "ssl.keystore.key" and "ssl.keystore.certificate.chain"',
  ],
  [
    /^ERR_SSL_.*ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_REVOKED|CERTIFICATE_EXPIRED|CERTIFICATE_UNKNOWN|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)/,
    'the broker does not accept the certificate of this client, or there is none; check "ssl.keystore.location" and what the broker trusts',
  ],
  [
    /^ERR_SSL_.*(HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY|NO_SHARED_CIPHER|NO_CIPHERS_AVAILABLE)$/,
    'both sides have no cipher suite in common ("ssl.cipher.suites"), or the broker asks for a certificate of this client ("ssl.keystore.location")',
  ],
]

interface TlsFailure {
  readonly code?: unknown
  readonly message: string
  readonly host?: unknown
  readonly cert?: { readonly subjectaltname?: unknown; readonly subject?: { readonly CN?: unknown } }
}

/**
 * What an error of a TLS socket means: no agreement, or a certificate that is not accepted.
 *
 * @param address for the message, `host:port`.
 * @returns `SSL_AUTHENTICATION_FAILED`; `NETWORK_EXCEPTION` for a connection that ended within the handshake; null for an error that has nothing to do
 *   with TLS, such as a reset later on.
 */
export function tlsFailure(address: string, cause: unknown): KafkaError | null {
  if (!(cause instanceof Error)) return null
  // Node's words for a connection that ended within the handshake.
  if (cause.message.includes('before secure TLS connection was established')) return closedInHandshake(address, cause)
  const failure: TlsFailure = cause
  const code = typeof failure.code === 'string' ? failure.code : ''
  const reason = code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? otherHost(failure) : explanations.find(([pattern]) => pattern.test(code))?.[1]
  if (reason === undefined && !/^ERR_(SSL|TLS|OSSL)_/.test(code)) return null
  return tlsAuthenticationError(`SSL handshake failed with ${address}: ${reason ?? failure.message} (${code}).`, cause)
}

function otherHost({ cert }: TlsFailure): string {
  const names = cert?.subjectaltname ?? (cert?.subject?.CN === undefined ? 'no name' : `CN:${String(cert.subject.CN)}`)
  return `the certificate of the broker is for other names (${String(names)}); connect to one of them, or leave "ssl.endpoint.identification.algorithm" empty to give up this protection`
}

/** For a connection that ended within the handshake. It may also be a broker that is just going down, so this is worth another try. */
export function closedInHandshake(address: string, cause?: unknown): KafkaError {
  const hint = 'the listener may not speak TLS; check "security.protocol" and the port'
  return networkError(`The connection to ${address} was closed during the TLS handshake: ${hint}.`, cause)
}

/**
 * Whether the first bytes of an answer are those of TLS: a record of type alert or handshake. Read as a size, they ask for 350 MB.
 */
export function looksLikeTls(bytes: Buffer): boolean {
  return bytes.length >= 3 && (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3 && bytes[2]! <= 4
}
