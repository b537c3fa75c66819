import { ConfigError } from '@millrace/api'

/*
 * file  := line*           blank lines, and those that begin with # or !, are left out
 * line  := key [blanks] [= | :] [blanks] value        continued on the next line where it ends in an odd number of backslashes
 * Both know the escapes \t \n \r \f \uXXXX; any other escaped character stands for itself.
 */

/** Reads the text of a Java properties file. Of a key that is written twice the last value counts. @throws ConfigError on a malformed `\uXXXX`. */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const [key, value] = splitLine(line)
    properties.set(unescape(key), unescape(value))
  }
  return properties
}

function logicalLines(text: string): readonly string[] {
  const lines: string[] = []
  let begun: string | null = null
  for (const natural of text.split(/\r\n|\n|\r/)) {
    const line = natural.replace(/^[ \t\f]+/, '')
    if (begun === null && (line === '' || /^[#!]/.test(line))) continue
    const isContinued = (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1
    begun = (begun ?? '') + (isContinued ? line.slice(0, -1) : line)
    if (isContinued) continue
    lines.push(begun)
    begun = null
  }
  if (begun !== null) lines.push(begun)
  return lines
}

const keyAndSeparator = /^((?:\\.|[^\\=: \t\f])*)[ \t\f]*(?:[=:][ \t\f]*)?/s

function splitLine(line: string): readonly [string, string] {
  const [all, key] = keyAndSeparator.exec(line) as unknown as [string, string]
  return [key, line.slice(all.length)]
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.?))/gs, (_match, hex: string | undefined, character = '') => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    if (character === 'u') throw new ConfigError('Malformed \\uxxxx encoding.')
    return escapes[character as string] ?? (character as string)
  })
}
