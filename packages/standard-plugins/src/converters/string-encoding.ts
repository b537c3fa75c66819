import { ConfigError, DataError, type SerializedData } from '@millrace/api'

/** Turns text into bytes and back in one character set. */
export interface StringEncoding {
  encode(text: string): SerializedData
  decode(buffer: Buffer, start: number, end: number): string
}

const loneSurrogates = /\p{Surrogate}/gu

/** Characters without a place in UTF-8 are written as `?`, as Java does. */
const utf8: StringEncoding = {
  encode: (text) => (text.isWellFormed() ? text : text.replace(loneSurrogates, '?')),
  decode: (buffer, start, end) => buffer.utf8Slice(start, end),
}

const latin1: StringEncoding = {
  encode: (text) => Buffer.from(text.replace(/[^\0-\xff]/gu, '?'), 'latin1'),
  decode: (buffer, start, end) => buffer.latin1Slice(start, end),
}

const ascii: StringEncoding = {
  encode: (text) => Buffer.from(text.replace(/[^\0-\x7f]/gu, '?'), 'latin1'),
  decode: (buffer, start, end) => buffer.latin1Slice(start, end).replace(/[^\0-\x7f]/g, '\ufffd'),
}

const utf16le: StringEncoding = {
  encode: (text) => Buffer.from(text.replace(loneSurrogates, '\ufffd'), 'utf16le'),
  decode: (buffer, start, end) => decodeUtf16(buffer.subarray(start, end), 'utf-16le'),
}

const utf16be: StringEncoding = {
  encode: (text) => Buffer.from(text.replace(loneSurrogates, '\ufffd'), 'utf16le').swap16(),
  decode: (buffer, start, end) => decodeUtf16(buffer.subarray(start, end), 'utf-16be'),
}

/** Java writes a mark of the byte order, most significant byte first, and reads either order. */
const utf16: StringEncoding = {
  encode: (text) => (text === '' ? Buffer.alloc(0) : Buffer.concat([Buffer.of(0xfe, 0xff), utf16be.encode(text) as Buffer])),
  decode: (buffer, start, end) => {
    const isLittleEndian = end - start >= 2 && buffer[start] === 0xff && buffer[start + 1] === 0xfe
    const isBigEndian = end - start >= 2 && buffer[start] === 0xfe && buffer[start + 1] === 0xff
    return (isLittleEndian ? utf16le : utf16be).decode(buffer, isLittleEndian || isBigEndian ? start + 2 : start, end)
  },
}

function decodeUtf16(bytes: Buffer, label: string): string {
  return new TextDecoder(label, { ignoreBOM: true }).decode(bytes)
}

const encodings: ReadonlyMap<string, StringEncoding> = new Map([
  ...['utf-8', 'utf8', 'unicode-1-1-utf-8'].map((name) => [name, utf8] as const),
  ...['iso-8859-1', 'iso8859_1', 'iso8859-1', 'iso_8859-1', 'latin1', 'l1', 'cp819', 'ibm819'].map((name) => [name, latin1] as const),
  ...['us-ascii', 'ascii', 'iso646-us', 'cp367', '646'].map((name) => [name, ascii] as const),
  ...['utf-16', 'utf16', 'utf_16', 'unicode'].map((name) => [name, utf16] as const),
  ...['utf-16be', 'utf_16be', 'unicodebigunmarked'].map((name) => [name, utf16be] as const),
  ...['utf-16le', 'utf_16le', 'unicodelittleunmarked'].map((name) => [name, utf16le] as const),
])

/**
 * The encoding that a Java character set's name means. Sets beyond UTF-8, UTF-16, ISO-8859-1 and US-ASCII are read where Node knows them, and
 * cannot be written.
 * @throws ConfigError where the name is unknown.
 */
export function stringEncoding(name: string): StringEncoding {
  return encodings.get(name.toLowerCase()) ?? readOnlyEncoding(name)
}

function readOnlyEncoding(name: string): StringEncoding {
  let decoder: InstanceType<typeof TextDecoder>
  try {
    decoder = new TextDecoder(name, { ignoreBOM: true })
  } catch (cause) {
    throw new ConfigError(`Invalid value ${name} for configuration converter.encoding: unsupported encoding`, { key: 'converter.encoding', value: name, cause })
  }
  return {
    encode: () => {
      throw new DataError(`Failed to serialize to a string: the encoding ${name} can be read, but not written`)
    },
    decode: (buffer, start, end) => decoder.decode(buffer.subarray(start, end)),
  }
}
