import { createReadStream, createWriteStream, globSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'

/** What a file source makes of a text file: Kafka Connect carries lines of UTF-8 text, and ends each with a line feed. */
export interface TextFile {
  readonly path: string
  /** Lines that are carried. */
  readonly lines: number
  /** How long the copy will be. */
  readonly copyBytes: number
  /** Why the copy cannot equal the file byte for byte, in words for the user; empty where it can. */
  readonly peculiarities: readonly string[]
}

/** Writes a text of at least so many lines from the licences, documentation and sources of the installed packages. */
export async function writeRealText(path: string, root: string, linesMin: number): Promise<void> {
  const sources = globSync('node_modules/**/{LICENSE*,*.md,*.ts,*.js}', { cwd: root, exclude: (name) => name === 'millrace' || name === '@millrace' }).sort()
  if (sources.length === 0) throw new Error('There is no text in node_modules; give one with -- --file FILE')
  const file = createWriteStream(path)
  let lines = 0
  while (lines < linesMin) {
    for (const source of sources) {
      if (lines >= linesMin) break
      const text = readText(join(root, source))
      if (text === null) continue
      if (!file.write(text)) await once(file, 'drain')
      lines += text.split('\n').length - 1
    }
  }
  file.end()
  await once(file, 'close')
}

/** A file's text where it arrives unchanged, ended with a line feed; null where it would not, or is a folder. */
function readText(path: string): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path))
    if (text === '' || text.includes('\r')) return null
    return text.endsWith('\n') ? text : `${text}\n`
  } catch {
    // Not UTF-8, or not a file.
    return null
  }
}

/** Reads the file once, and says how much of it will arrive and in which form. */
export async function inspectTextFile(path: string): Promise<TextFile> {
  const peculiarities = new Set<string>()
  let bytes = 0
  let lineFeeds = 0
  let lastByte = -1
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    lastByte = chunk[chunk.length - 1] ?? -1
    for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) lineFeeds++
    if (chunk.includes(0x0d))
      peculiarities.add('it has carriage returns, which end a line in Kafka Connect as line feeds do, and each line is written with a line feed')
  }
  if (lastByte !== 0x0a && bytes > 0) peculiarities.add('its last line has no end, and Kafka Connect waits for one')
  if (!(await isUtf8(path))) peculiarities.add('it is not UTF-8: what cannot be decoded is replaced')
  if (peculiarities.size === 0) return { path, lines: lineFeeds, copyBytes: bytes, peculiarities: [] }

  let lines = 0
  let copyBytes = 0
  for await (const line of linesAsCarried(path)) {
    lines++
    copyBytes += Buffer.byteLength(line) + 1
  }
  return { path, lines, copyBytes, peculiarities: [...peculiarities] }
}

async function isUtf8(path: string): Promise<boolean> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) decoder.decode(chunk, { stream: true })
    decoder.decode()
    return true
  } catch {
    // The decoder throws at the first bytes that are not UTF-8.
    return false
  }
}

/** The lines of a file as the original's file source reads them: ended by \n, \r or \r\n; one without an end is held back. */
async function* linesAsCarried(path: string): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const split = function* (isEnd: boolean): Generator<string> {
    // A carriage return at the end may be the first half of \r\n.
    const held = !isEnd && rest.endsWith('\r') ? '\r' : ''
    const lines = (held === '' ? rest : rest.slice(0, -1)).split(/\r\n|\n|\r/)
    rest = `${lines.pop() ?? ''}${held}`
    yield* lines
  }
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    rest += decoder.write(chunk)
    yield* split(false)
  }
  rest += decoder.end()
  yield* split(true)
}

/** Null where the copy is what it must be; else where and how it first differs. */
export async function firstDifference(original: TextFile, copy: string): Promise<string | null> {
  const expected = original.peculiarities.length === 0 ? (createReadStream(original.path) as AsyncIterable<Buffer>) : asBytes(linesAsCarried(original.path))
  const actual = (createReadStream(copy) as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  let position = 0
  let rest: Buffer = Buffer.alloc(0)
  for await (const wanted of expected) {
    while (rest.length < wanted.length) {
      const more = await actual.next()
      if (more.done === true) return `the copy ends at byte ${position + rest.length}`
      rest = rest.length === 0 ? more.value : Buffer.concat([rest, more.value])
    }
    if (!wanted.equals(rest.subarray(0, wanted.length))) {
      const at = wanted.findIndex((byte, index) => byte !== rest[index])
      return `they differ at byte ${position + at}`
    }
    rest = rest.subarray(wanted.length)
    position += wanted.length
  }
  const isLonger = rest.length > 0 || (await actual.next()).done !== true
  return isLonger ? `the copy goes on after byte ${position}` : null
}

async function* asBytes(lines: AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const line of lines) yield Buffer.from(`${line}\n`)
}
