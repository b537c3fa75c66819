import type { Properties } from '@millrace/api'

/** What stands in the place of a secret, as in the original. */
const HIDDEN = '[hidden]'
/** Shorter values would be found inside of ordinary words. */
const SECRET_LENGTH_MIN = 4
const SECRETS_MAX = 1_000
/** Lines of a secret that are shorter are not looked for by themselves. */
const LINE_LENGTH_MIN = 16

/** Keys whose values are secrets by their name, of whatever plug-in they are. */
const SECRET_KEY =
  /password|passwd|passphrase|secret|credential|jaas|(private|api|access|account|shared|storage)[._-]?key|token|(^|\.)ssl\.keystore\.key$|user\.info|connection\.(string|uri)/i
/** Keys that only tell where a secret is, or how it is used: their values help to find a fault. */
const ABOUT_SECRETS = /(^|[._-])(url|class|location|path|file|dir|directory|ms|type|name|header|enabled?|algorithm|endpoint|format|provider|version|strategy)$/i
/** Values that tell nothing. */
const ORDINARY = /^(true|false|null|none|all|default|required|enabled|disabled|[\w$.]+(Provider|Converter|Module|Handler|Login|Retriever|Validator))$/i

/** Takes secrets out of texts. Cheap where none is in them. */
export class SecretMask {
  readonly #secrets: Set<string>
  /** Longest first: one may be a part of another. */
  #ordered: readonly string[]

  constructor(secrets: Iterable<string> = []) {
    this.#secrets = new Set()
    this.#ordered = []
    this.add(secrets)
  }

  get isEmpty(): boolean {
    return this.#ordered.length === 0
  }

  add(secrets: Iterable<string>): void {
    for (const secret of secrets) {
      if (secret.length >= SECRET_LENGTH_MIN && !ORDINARY.test(secret) && this.#secrets.size < SECRETS_MAX) this.#secrets.add(secret)
    }
    this.#ordered = [...this.#secrets].sort((a, b) => b.length - a.length)
  }

  readonly mask = (text: string): string => {
    let masked = text
    for (const secret of this.#ordered) if (masked.includes(secret)) masked = masked.replaceAll(secret, HIDDEN)
    return masked
  }
}

/** A configuration was resolved anew: what stands now where a secret stood before is one, too. */
export function newSecrets({ mask }: Pick<SecretMask, 'mask'>, before: Properties, after: Properties): string[] {
  const secret = Object.entries(before).filter(([, value]) => mask(value) !== value)
  return resolvedSecrets(Object.fromEntries(secret.map(([key, value]) => [key, mask(value).replaceAll(HIDDEN, '${}')])), after)
}

/**
 * The values of properties that are secrets: by the name of their key, or because a plug-in's definition gives them the type PASSWORD.
 * Those that hold a password among other things (`sasl.jaas.config`, URLs) are given whole and in parts.
 */
export function secretsIn(properties: Properties, isPassword: (key: string) => boolean = () => false): string[] {
  const secrets: string[] = []
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value !== 'string') continue
    if (soundsSecret(key) || isPassword(key)) secrets.push(value, ...parts(value))
    if (!value.includes('://')) continue
    // Whatever the key: a password within a URL.
    for (const [, password] of value.matchAll(/:\/\/[^/\s:@]*:([^/\s@]+)@/g)) if (password !== undefined) secrets.push(password, decoded(password))
  }
  return secrets
}

/** The same keys come with each task: what their names say is remembered. */
const remembered = new Map<string, boolean>()
const REMEMBERED_MAX = 10_000

function soundsSecret(key: string): boolean {
  let isSecret = remembered.get(key)
  if (isSecret === undefined) {
    isSecret = SECRET_KEY.test(key) && !ABOUT_SECRETS.test(key)
    if (remembered.size < REMEMBERED_MAX) remembered.set(key, isSecret)
  }
  return isSecret
}

/** The values in quotes of `password="…"`, and the lines of a key. */
function parts(value: string): string[] {
  const quoted = [...value.matchAll(/(?:password|secret|token|key)\w*\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;"',]+))/gi)]
  // Keys in PEM form are shown and quoted line by line.
  const lines = /\n|\\n/.test(value) ? value.split(/\\n|\s+/).filter((line) => line.length >= LINE_LENGTH_MIN && !line.includes('---')) : []
  const [, afterColon] = /^[^:\s]+:(\S+)$/.exec(value) ?? []
  return [...lines, ...quoted.map(([, double, single, bare]) => double ?? single ?? bare ?? ''), ...(afterColon === undefined ? [] : [afterColon])]
}

/**
 * What configuration providers put into a configuration: the difference between what is written and what it was resolved to.
 * References that could not be resolved are none.
 */
export function resolvedSecrets(written: Readonly<Record<string, string | null>>, resolved: Properties): string[] {
  const secrets: string[] = []
  for (const [key, text] of Object.entries(written)) {
    const value = resolved[key]
    if (text === null || value === undefined || text === value) continue
    const literals = text.split(/\$\{[^}]*\}/)
    const pattern = new RegExp(`^${literals.map((literal) => literal.replace(/[$()*+.?[\\\]^{|}/-]/g, '\\$&')).join('([^]*?)')}$`)
    for (const secret of (pattern.exec(value) ?? [value, value]).slice(1)) if (secret !== undefined && !secret.startsWith('${')) secrets.push(secret)
  }
  return secrets
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
