/**
 * Versions and version ranges as Maven orders and writes them: what `connector.plugin.version` and its kin hold (KIP-891).
 *
 *     range   := restriction { "," restriction }
 *     restriction := "[" version "]" | ("[" | "(") [version] "," [version] ("]" | ")") | version
 *
 * A bare version means exactly that version, as Kafka Connect has it.
 */

/** The text is no version range. */
export class VersionRangeError extends Error {
  readonly code = 'VERSION_RANGE'
}

export interface VersionRange {
  contains(version: string): boolean
  /** In Maven's form: `[9.9,9.9]` for `9.9`. */
  toString(): string
}

interface Restriction {
  readonly lower: string | null
  readonly isLowerInclusive: boolean
  readonly upper: string | null
  readonly isUpperInclusive: boolean
}

/**
 * @param text null, undefined, empty text and `latest` mean any version: null
 * @throws VersionRangeError with Maven's message.
 */
export function parseVersionRange(text: string | null | undefined): VersionRange | null {
  const spec = text?.trim() ?? ''
  if (spec === '' || spec.toLowerCase() === 'latest') return null
  const restrictions = parseRestrictions(spec)
  return {
    contains: (version) => restrictions.some((restriction) => isWithin(version, restriction)),
    toString: () => restrictions.map(restrictionText).join(','),
  }
}

function parseRestrictions(spec: string): Restriction[] {
  const restrictions: Restriction[] = []
  let rest = spec
  let upperSoFar: string | null = null
  while (rest.startsWith('[') || rest.startsWith('(')) {
    const end = rest.search(/[)\]]/)
    if (end < 0) throw new VersionRangeError(`Unbounded range: ${spec}`)
    const restriction = parseRestriction(rest.slice(0, end + 1))
    if (upperSoFar !== null && (restriction.lower === null || compareVersions(restriction.lower, upperSoFar) < 0))
      throw new VersionRangeError(`Ranges overlap: ${spec}`)
    restrictions.push(restriction)
    upperSoFar = restriction.upper
    rest = rest
      .slice(end + 1)
      .trim()
      .replace(/^,/, '')
      .trim()
  }
  if (rest !== '') {
    if (restrictions.length > 0) throw new VersionRangeError(`Only fully-qualified sets allowed in multiple set scenario: ${spec}`)
    restrictions.push({ lower: rest, isLowerInclusive: true, upper: rest, isUpperInclusive: true })
  }
  return restrictions
}

function parseRestriction(spec: string): Restriction {
  const isLowerInclusive = spec.startsWith('[')
  const isUpperInclusive = spec.endsWith(']')
  const inner = spec.slice(1, -1).trim()
  const comma = inner.indexOf(',')
  if (comma < 0) {
    if (!isLowerInclusive || !isUpperInclusive) throw new VersionRangeError(`Single version must be surrounded by []: ${spec}`)
    return { lower: inner, isLowerInclusive, upper: inner, isUpperInclusive }
  }
  const lower = inner.slice(0, comma).trim() || null
  const upper = inner.slice(comma + 1).trim() || null
  if (lower !== null && upper !== null) {
    const order = compareVersions(upper, lower)
    if (order < 0 || (order === 0 && (!isLowerInclusive || !isUpperInclusive))) throw new VersionRangeError(`Range defies version ordering: ${spec}`)
  }
  return { lower, isLowerInclusive, upper, isUpperInclusive }
}

function isWithin(version: string, { lower, isLowerInclusive, upper, isUpperInclusive }: Restriction): boolean {
  const aboveLower = lower === null ? 1 : compareVersions(version, lower)
  const belowUpper = upper === null ? 1 : compareVersions(upper, version)
  return (aboveLower > 0 || (isLowerInclusive && aboveLower === 0)) && (belowUpper > 0 || (isUpperInclusive && belowUpper === 0))
}

function restrictionText({ lower, isLowerInclusive, upper, isUpperInclusive }: Restriction): string {
  return `${isLowerInclusive ? '[' : '('}${lower ?? ''},${upper ?? ''}${isUpperInclusive ? ']' : ')'}`
}

/** Negative where `a` is before `b`, 0 where Maven takes them for the same (`1.0` and `1`, `1.0-ga` and `1`). */
export function compareVersions(a: string, b: string): number {
  return compareLists(parseVersion(a), parseVersion(b))
}

/** Numbers, qualifiers, and the parts after a hyphen or a change between digits and letters, nested. */
type Item = bigint | string | Item[]

function parseVersion(version: string): Item[] {
  const root: Item[] = []
  const lists = [root]
  let list = root
  const nest = (): void => {
    const inner: Item[] = []
    list.push(inner)
    lists.push(inner)
    list = inner
  }
  // Tokens with what separates them from the one before: a dot, a hyphen, or nothing between digits and letters.
  for (const [, separator, token = ''] of version.toLowerCase().matchAll(/(^|[.-]|(?<=\d)(?=[^\d.-])|(?<=[^\d.-])(?=\d))(\d+|[^\d.-]+)?/g)) {
    if (token === '' && separator === '') continue
    if (list.length > 0 && separator !== '.') nest()
    list.push(/^\d/.test(token) ? BigInt(token) : token === '' ? 0n : (ALIASES[token] ?? token))
  }
  for (const inner of lists.reverse()) dropTrailingNulls(inner)
  return root
}

const ALIASES: Readonly<Record<string, string>> = { ga: '', final: '', release: '', cr: 'rc', a: 'alpha', b: 'beta', m: 'milestone' }
/** From old to new; the empty one is a release. Others come after these, in alphabetical order. */
const QUALIFIERS = ['alpha', 'beta', 'milestone', 'rc', 'snapshot', '', 'sp']

function dropTrailingNulls(items: Item[]): void {
  for (let index = items.length - 1; index >= 0; index--) {
    const item = items[index] as Item
    if (isNull(item)) items.splice(index, 1)
    else if (!Array.isArray(item)) break
  }
}

function isNull(item: Item): boolean {
  return item === 0n || item === '' || (Array.isArray(item) && item.length === 0)
}

function compareLists(a: readonly Item[], b: readonly Item[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const order = compareItems(a[index], b[index])
    if (order !== 0) return order
  }
  return 0
}

function compareItems(a: Item | undefined, b: Item | undefined): number {
  if (a === undefined) return b === undefined ? 0 : -compareItems(b, undefined)
  if (b === undefined) return compareToNothing(a)
  if (typeof a === 'bigint') return typeof b === 'bigint' ? sign(a, b) : 1
  if (typeof b === 'bigint') return -1
  if (typeof a === 'string') return typeof b === 'string' ? compareQualifiers(a, b) : -1
  return typeof b === 'string' ? 1 : compareLists(a, b)
}

function compareToNothing(item: Item): number {
  if (typeof item === 'bigint') return item === 0n ? 0 : 1
  if (typeof item === 'string') return compareQualifiers(item, '')
  for (const inner of item) {
    const order = compareToNothing(inner)
    if (order !== 0) return order
  }
  return 0
}

function compareQualifiers(a: string, b: string): number {
  const order = rank(a) - rank(b)
  return order !== 0 ? order : sign(a, b)
}

function rank(qualifier: string): number {
  const index = QUALIFIERS.indexOf(qualifier)
  return index < 0 ? QUALIFIERS.length : index
}

function sign<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}
