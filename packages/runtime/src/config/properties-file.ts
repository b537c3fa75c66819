import { readFile } from 'node:fs/promises'

/** A key that stands in a file, with the line (from 1) on which it begins. */
export interface PropertyEntry {
  readonly key: string
  readonly value: string
  readonly line: number
}

/** What is wrong in a file of settings, and where. */
export class SettingsFileError extends Error {
  readonly code = 'SETTINGS_FILE'
  readonly file: string
  readonly line: number | null
  readonly key: string | null

  constructor(problem: string, where: { file: string; line?: number | null; key?: string | null }, options?: ErrorOptions) {
    const line = where.line ?? null
    const key = where.key ?? null
    super(`${where.file}${line === null ? '' : `:${line}`}: ${problem}${key === null ? '' : ` (key "${key}")`}`, options)
    this.file = where.file
    this.line = line
    this.key = key
  }
}

export interface PropertiesFile {
  /** By key, in the order of their first appearance; of a key that is written twice the last value counts, as in Java. */
  readonly properties: Readonly<Record<string, string>>
  /** The line of each key's value that counts. */
  readonly lines: ReadonlyMap<string, number>
  /** Keys written more than once, with all their lines. */
  readonly duplicates: readonly { readonly key: string; readonly lines: readonly number[] }[]
}

/**
 * The line of the setting that a message names first; null where it names none of the file. A name without a dot may be any word, so it counts only where it
 * stands in quotes or behind "configuration".
 */
export function lineNamedIn(message: string, lines: PropertiesFile['lines']): number | null {
  const places = [...lines].map(([key, line]) => ({ at: placeOf(key, message), length: key.length, line })).filter(({ at }) => at >= 0)
  const [first] = places.sort((a, b) => a.at - b.at || b.length - a.length)
  return first?.line ?? null
}

function placeOf(key: string, message: string): number {
  const name = key.replace(/\W/g, '\\$&')
  return message.search(key.includes('.') ? `(?<![\\w.-])${name}(?![\\w-]|\\.\\w)` : `(?<=configuration )${name}(?![\\w.-])|(?<=")${name}(?=")`)
}

/** @throws SettingsFileError where the file cannot be read, or holds a malformed escape. */
export async function readPropertiesFile(file: string): Promise<PropertiesFile> {
  return parsePropertiesFile(await readSettingsFile(file), file)
}

/** What the mark of UTF-8, which some editors put in front, looks like in ISO-8859-1. */
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf'

/**
 * The file's bytes as ISO-8859-1, which is how Java reads worker and connector files. A byte order mark is left out: it would become part of the
 * first key, and nobody could see why that key is missing. @throws SettingsFileError.
 */
export async function readSettingsFile(file: string): Promise<string> {
  try {
    const text = await readFile(file, 'latin1')
    return text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'file not found' : `cannot be read: ${(error as Error).message}`
    throw new SettingsFileError(reason, { file }, { cause: error })
  }
}

export function parsePropertiesFile(text: string, file: string): PropertiesFile {
  // A Map first: a plain object would move keys that look like integers to the front while it is filled.
  const entries = new Map<string, PropertyEntry[]>()
  for (const entry of parseProperties(text, file)) {
    const before = entries.get(entry.key)
    if (before) before.push(entry)
    else entries.set(entry.key, [entry])
  }
  const last = [...entries.values()].map((all) => all[all.length - 1] as PropertyEntry)
  return {
    properties: Object.fromEntries(last.map((entry) => [entry.key, entry.value])),
    lines: new Map(last.map((entry) => [entry.key, entry.line])),
    duplicates: [...entries.values()]
      .filter((all) => all.length > 1)
      .map((all) => ({ key: (all[0] as PropertyEntry).key, lines: all.map((entry) => entry.line) })),
  }
}

/**
 * Reads the format of `java.util.Properties.load`: comments (`#`, `!`), separators (`=`, `:`, blanks), continued lines, escapes.
 * Our own: npm's parsers do not tell line and key of a malformed escape, and none has all of Java's corner cases (a comment after a lone
 * continuation, a backslash at the end of the file, a carriage return alone).
 *
 * @throws SettingsFileError for `\u` without four hexadecimal digits.
 */
export function parseProperties(text: string, file: string): PropertyEntry[] {
  return logicalLines(text).map(({ content, line }) => {
    const { keyEnd, valueStart } = splitAt(content)
    const rawKey = content.slice(0, keyEnd)
    const where = { file, line, key: rawKey }
    return { key: unescape(rawKey, where), value: unescape(content.slice(valueStart), where), line }
  })
}

interface LogicalLine {
  readonly content: string
  readonly line: number
}

/** Joins continued lines and drops comments and blank lines. Escapes stay as they are. */
function logicalLines(text: string): LogicalLine[] {
  const result: LogicalLine[] = []
  const natural = text.split(/\r\n|\r|\n/)
  let content = ''
  let start = 0
  for (const [index, raw] of natural.entries()) {
    const line = raw.replace(/^[ \t\f]+/, '')
    if (content === '') {
      // Nothing of this entry was read yet, not even where the line before ended in a lone backslash: still a place for a comment.
      if (line === '' || line[0] === '#' || line[0] === '!') continue
      start = index + 1
    }
    if (endsInBackslash(line)) {
      content += line.slice(0, -1)
      continue
    }
    result.push({ content: content + line, line: start })
    content = ''
  }
  if (content !== '') result.push({ content, line: start })
  return result
}

function endsInBackslash(line: string): boolean {
  let count = 0
  while (line[line.length - 1 - count] === '\\') count++
  return count % 2 === 1
}

/** Where the key ends and the value begins. */
function splitAt(content: string): { keyEnd: number; valueStart: number } {
  let keyEnd = 0
  while (keyEnd < content.length && !/[=: \t\f]/.test(content[keyEnd] as string)) keyEnd += content[keyEnd] === '\\' ? 2 : 1
  keyEnd = Math.min(keyEnd, content.length)
  const separator = /^[ \t\f]*[=:]?[ \t\f]*/.exec(content.slice(keyEnd)) as RegExpExecArray
  return { keyEnd, valueStart: keyEnd + separator[0].length }
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescape(text: string, where: { file: string; line: number; key: string }): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(u)|([^]?))/g, (_, hex: string | undefined, bad: string | undefined, char: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    if (bad !== undefined)
      throw new SettingsFileError('malformed \\uxxxx escape: four hexadecimal digits must follow "\\u"; write "\\\\" for a backslash', where)
    return ESCAPES[char as string] ?? (char as string)
  })
}
