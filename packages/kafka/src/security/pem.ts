/** The certificates of a PEM text, each as a PEM text of its own. Like Java, it takes line breaks, and what stands between, as they come. */
export function pemCertificates(text: string): string[] {
  return Array.from(text.matchAll(block('CERTIFICATE')), ([, , body]) => pemOf('CERTIFICATE', body!))
}

/** The private keys of a PEM text, each as a PEM text of its own: PKCS #8, plain or encrypted, or the older forms of RSA and EC keys. */
export function pemPrivateKeys(text: string): string[] {
  return Array.from(text.matchAll(block('(?:[A-Z]+\\s+)?PRIVATE\\s+KEY')), ([, label, body]) => pemOf(label!.replace(/\s+/g, ' '), body!))
}

/** Writes DER as PEM. */
export function pemFromDer(label: string, der: Buffer): string {
  return pemOf(label, der.toString('base64'))
}

function block(label: string): RegExp {
  // Each row of hyphens is tried from its beginning only, so that a long one costs no more than its length.
  return new RegExp(`(?<!-)-+BEGIN\\s+(${label})\\s*-+([A-Za-z0-9+/=\\s]*)-+END\\s+${label}\\s*-+`, 'g')
}

function pemOf(label: string, base64: string): string {
  const lines = base64.replace(/\s+/g, '').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
