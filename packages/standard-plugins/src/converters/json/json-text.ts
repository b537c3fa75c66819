import { isUtf8 } from 'node:buffer'
import { DataError } from '@millrace/api'
import { type JsonNode, JsonParser } from './json-parser.ts'
import { EXACT, NOT_ASCII, scanJson } from './json-scan.ts'

/** Where `parseJsonAt` found that it needs the exact parser. */
export const NEEDS_EXACT = Symbol('needs the exact parser')

/** The fast way: the value as `JSON.parse` gives it, or NEEDS_EXACT where that would lose something or the text is not one JSON value. */
export function parseJsonAt(bytes: Buffer, start: number, end: number, isTyped: boolean): unknown {
  const findings = scanJson(bytes, start, end, isTyped)
  if (findings >= EXACT) return NEEDS_EXACT
  const text = findings === NOT_ASCII ? bytes.utf8Slice(start, end) : bytes.latin1Slice(start, end)
  // Invalid bytes are an error, which the exact way words; a replacement character may also be one that was written.
  if (findings === NOT_ASCII && text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) return NEEDS_EXACT
  const limit = Error.stackTraceLimit
  // The error of JSON.parse is of no use, and its stack would cost more than the parsing.
  Error.stackTraceLimit = 0
  try {
    return JSON.parse(text)
  } catch {
    // Empty text, something after the value, leading zeros, or no JSON at all: the exact parser knows.
    return NEEDS_EXACT
  } finally {
    Error.stackTraceLimit = limit
  }
}

/** The exact way: numbers keep their digits. @throws DataError where the text is no JSON. */
export function parseJsonExactly(bytes: Buffer, start: number, end: number): JsonNode {
  return new JsonParser(jsonTextOf(bytes.subarray(start, end))).parse()
}

/** JSON may be UTF-8, with or without a mark, or UTF-16, which its first zero byte shows. */
export function jsonTextOf(bytes: Buffer): string {
  if (bytes.length >= 2 && bytes.length % 2 === 0) {
    if (bytes[0] === 0 && bytes[1] !== 0) return Buffer.from(bytes).swap16().toString('utf16le')
    if (bytes[0] !== 0 && bytes[1] === 0) return bytes.toString('utf16le')
  }
  if (!isUtf8(bytes)) throw new DataError('Invalid UTF-8')
  return bytes.toString('utf8', bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0)
}
