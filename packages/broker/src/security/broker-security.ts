import { createSecureContext } from 'node:tls'
import { BrokerError } from '../errors.ts'
import type { ScramMechanism } from './sasl-scram.ts'

export type SaslMechanism = 'PLAIN' | ScramMechanism

/** TLS of the listener. All certificates and keys are PEM. */
export interface BrokerTls {
  readonly key: string
  /** The broker's certificate, with those of intermediate authorities behind it. */
  readonly cert: string
  /** Authorities whose clients are trusted; needed where clients have to show certificates. */
  readonly ca?: string
  /** As `ssl.client.auth=required`; default false. */
  readonly isClientCertificateRequired?: boolean
}

/** SASL of the listener. Every user that is authenticated may do everything. */
export interface BrokerSasl {
  /** Passwords by user. Never shown anywhere. */
  readonly users: Readonly<Record<string, string>>
  /** Default: all of them. */
  readonly mechanisms?: readonly SaslMechanism[]
  /** After so long a client has to authenticate again (`connections.max.reauth.ms`, KIP-368). Milliseconds; default 0, never. */
  readonly sessionLifetimeMs?: number
}

/**
 * How clients prove who they are, and whether others can listen. With `tls` alone the listener is `SSL`, with `sasl` alone `SASL_PLAINTEXT`, with both
 * `SASL_SSL`, with neither `PLAINTEXT`. Plain data, so that it can cross threads.
 */
export interface BrokerSecurity {
  readonly tls?: BrokerTls
  readonly sasl?: BrokerSasl
}

export const saslMechanisms: readonly SaslMechanism[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']

/** @throws BrokerError BROKER_CONFIG_INVALID for keys that do not fit and mechanisms that there are not. Nothing secret is in its message. */
export function checkSecurity({ tls, sasl }: BrokerSecurity): void {
  const unknown = sasl?.mechanisms?.find((mechanism) => !saslMechanisms.includes(mechanism))
  if (unknown !== undefined) throw invalid(`The SASL mechanism "${unknown}" is not known; known are ${saslMechanisms.join(', ')}.`)
  if (sasl?.mechanisms?.length === 0) throw invalid('SASL needs at least one mechanism.')
  if (!tls) return
  if (tls.isClientCertificateRequired && tls.ca === undefined)
    throw invalid('Certificates of clients can be required only with the authorities that are trusted.')
  try {
    createSecureContext({ key: tls.key, cert: tls.cert, ca: tls.ca })
  } catch (error) {
    // The code of OpenSSL says what is wrong; its message is left out, since it may quote what it has read.
    throw invalid(`Key and certificate of the broker cannot be used (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`)
  }
}

function invalid(message: string): BrokerError {
  return new BrokerError('BROKER_CONFIG_INVALID', message)
}
