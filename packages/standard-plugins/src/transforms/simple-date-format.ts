import { calendarDayOf, epochMsOf } from './julian-calendar.ts'

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const ERAS = ['BC', 'AD']
const HALF_DAYS = ['AM', 'PM']
/** Names of zones that are read, in minutes from UTC. Java knows some hundred more. */
const ZONES: Readonly<Record<string, number>> = {
  UTC: 0,
  UT: 0,
  GMT: 0,
  WET: 0,
  WEST: 60,
  CET: 60,
  CEST: 120,
  EET: 120,
  EEST: 180,
  MSK: 180,
  JST: 540,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
}
const MS_PER_DAY = 86_400_000

/** Part of a pattern: text that stands for itself, or a letter with the number of its repetitions. */
type Part = string | { readonly letter: string; readonly count: number }

/** What a text says about an instant; what it leaves out is that of the epoch. */
interface Fields {
  era: number
  year: number
  month: number
  day: number
  dayOfYear: number | null
  /** 0 to 23, or beyond. */
  hour: number
  /** 0 to 11, or beyond; counts where `hour` was not given. */
  halfDayHour: number | null
  halfDay: number
  minute: number
  second: number
  millisecond: number
  offsetMinutes: number
}

/**
 * Writes and reads instants by a pattern (`java.text.SimpleDateFormat`), in UTC and in English, leniently as Java does: numbers beyond their range go
 * over into the next field, text after the pattern's end is not looked at.
 */
export class SimpleDateFormat {
  readonly pattern: string
  readonly #parts: readonly Part[]
  /** Years of two digits are in the hundred years from here on: from 80 years ago. Milliseconds since the epoch. */
  readonly #centuryStart: number

  /** @throws SyntaxError where the pattern is none, in Java's words. */
  constructor(pattern: string, now = Date.now()) {
    this.pattern = pattern
    this.#parts = partsOf(pattern)
    const start = new Date(now)
    this.#centuryStart = start.setUTCFullYear(start.getUTCFullYear() - 80)
  }

  format(date: Date): string {
    const instant = instantOf(date)
    return this.#parts.map((part) => (typeof part === 'string' ? part : formatField(part.letter, part.count, instant))).join('')
  }

  /** Null where the text does not begin with what the pattern wants, or a field is in the pattern that cannot be read. */
  parse(text: string): Date | null {
    const reader = new Reader(text)
    const fields = emptyFields()
    for (const [index, part] of this.#parts.entries()) {
      const next = this.#parts[index + 1]
      const isAbutting = next !== undefined && typeof next !== 'string' && isNumeric(next.letter, next.count)
      const isRead = typeof part === 'string' ? reader.takeText(part) : this.#readField(reader, fields, part.letter, part.count, isAbutting)
      if (!isRead) return null
    }
    const epochMs = epochMsOfFields(fields)
    return Math.abs(epochMs) <= 8.64e15 ? new Date(epochMs) : null
  }

  #readField(reader: Reader, fields: Fields, letter: string, count: number, isAbutting: boolean): boolean {
    if (!isNumeric(letter, count)) return readText(reader, fields, letter, count)
    const number = reader.takeNumber(isAbutting ? count : null)
    if (number === null) return false
    if (letter === 'y' && count <= 2 && number.text.length === 2 && /^\d\d$/.test(number.text)) {
      fields.year = this.#fullYear(number.value, fields)
      return true
    }
    return putNumber(fields, letter, number.value)
  }

  #fullYear(twoDigits: number, fields: Fields): number {
    const start = new Date(this.#centuryStart)
    const century = Math.floor(start.getUTCFullYear() / 100) * 100
    const year = century + twoDigits
    if (twoDigits !== start.getUTCFullYear() % 100) return year < start.getUTCFullYear() ? year + 100 : year
    // The year in which the hundred years begin: what comes before that day is a century later.
    return Date.UTC(year, fields.month, fields.day) < this.#centuryStart ? year + 100 : year
  }
}

// ─── the pattern ───

const LETTERS = 'GyMdkHmsSEDFwWahKzZYuXL'

function partsOf(pattern: string): Part[] {
  const parts: Part[] = []
  const addText = (text: string): void => {
    if (typeof parts.at(-1) === 'string') parts.push(`${parts.pop() as string}${text}`)
    else parts.push(text)
  }
  for (let at = 0; at < pattern.length; ) {
    const character = pattern[at] as string
    if (character === "'") {
      const quoted = /^'((?:[^']|'')*)'/.exec(pattern.slice(at))
      if (pattern[at + 1] === "'") addText("'")
      else if (quoted === null) throw new SyntaxError('Unterminated quote')
      else addText((quoted[1] as string).replaceAll("''", "'"))
      at += pattern[at + 1] === "'" ? 2 : (quoted?.[0].length ?? 1)
    } else if (/[a-zA-Z]/.test(character)) {
      if (!LETTERS.includes(character)) throw new SyntaxError(`Illegal pattern character '${character}'`)
      let count = 1
      while (pattern[at + count] === character) count++
      if (character === 'X' && count > 3) throw new SyntaxError(`invalid ISO 8601 format: length=${count}`)
      parts.push({ letter: character, count })
      at += count
    } else {
      addText(character)
      at++
    }
  }
  return parts
}

/** Whether a field is read as digits, so that what stands right before it must know its own length. */
function isNumeric(letter: string, count: number): boolean {
  if (letter === 'M' || letter === 'L') return count <= 2
  return 'ydkHmsSDFwWhKYu'.includes(letter)
}

// ─── writing ───

interface Instant {
  readonly epochMs: number
  readonly year: number
  readonly month: number
  readonly day: number
  /** 0 for Sunday. */
  readonly weekday: number
  readonly msOfDay: number
}

function instantOf(date: Date): Instant {
  const epochMs = date.getTime()
  const days = Math.floor(epochMs / MS_PER_DAY)
  return { epochMs, ...calendarDayOf(epochMs), weekday: (((days + 4) % 7) + 7) % 7, msOfDay: epochMs - days * MS_PER_DAY }
}

function formatField(letter: string, count: number, instant: Instant): string {
  const number = (value: number): string => String(value).padStart(count, '0')
  const hour = Math.floor(instant.msOfDay / 3_600_000)
  switch (letter) {
    case 'G':
      return ERAS[instant.year > 0 ? 1 : 0] as string
    case 'y':
      return yearText(instant.year > 0 ? instant.year : 1 - instant.year, count)
    case 'Y':
      return yearText(weekOfYear(instant).year, count)
    case 'M':
    case 'L':
      return count < 3 ? number(instant.month + 1) : nameText(MONTHS, instant.month, count)
    case 'd':
      return number(instant.day)
    case 'D':
      return number(dayOfYear(instant))
    case 'F':
      return number(Math.floor((instant.day - 1) / 7) + 1)
    case 'w':
      return number(weekOfYear(instant).week)
    case 'W':
      return number(Math.floor((instant.day - 1 + weekdayOf(instant.weekday - instant.day + 1)) / 7) + 1)
    case 'E':
      return nameText(WEEKDAYS, instant.weekday, count)
    case 'u':
      return number(instant.weekday === 0 ? 7 : instant.weekday)
    case 'a':
      return HALF_DAYS[hour < 12 ? 0 : 1] as string
    case 'H':
      return number(hour)
    case 'k':
      return number(hour === 0 ? 24 : hour)
    case 'K':
      return number(hour % 12)
    case 'h':
      return number(hour % 12 === 0 ? 12 : hour % 12)
    case 'm':
      return number(Math.floor(instant.msOfDay / 60_000) % 60)
    case 's':
      return number(Math.floor(instant.msOfDay / 1000) % 60)
    case 'S':
      return number(instant.msOfDay % 1000)
    case 'z':
      return count < 4 ? 'UTC' : 'Coordinated Universal Time'
    case 'Z':
      return '+0000'
    default:
      return 'Z'
  }
}

function yearText(year: number, count: number): string {
  return count === 2 ? String(year % 100).padStart(2, '0') : String(year).padStart(count, '0')
}

function nameText(names: readonly string[], index: number, count: number): string {
  const name = names[index] as string
  return count < 4 ? name.slice(0, 3) : name
}

function weekdayOf(number: number): number {
  return ((number % 7) + 7) % 7
}

/** From 1. */
function dayOfYear({ year, month, day }: Instant): number {
  return (epochMsOf({ year, month, day }) - epochMsOf({ year, month: 0, day: 1 })) / MS_PER_DAY + 1
}

/** Weeks begin on Sunday, and the week with 1 January is the first of its year. */
function weekOfYear(instant: Instant): { readonly year: number; readonly week: number } {
  const days = Math.floor(instant.epochMs / MS_PER_DAY)
  const nextYearStart = epochMsOf({ year: instant.year + 1, month: 0, day: 1 }) / MS_PER_DAY
  if (nextYearStart - days <= 6 - instant.weekday) return { year: instant.year + 1, week: 1 }
  const index = dayOfYear(instant) - 1
  return { year: instant.year, week: Math.floor((index + weekdayOf(instant.weekday - index)) / 7) + 1 }
}

// ─── reading ───

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get rest(): string {
    return this.#text.slice(this.#at)
  }

  takeText(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  /**
   * Blanks before the number do not count.
   * @param length how many characters belong to the field, blanks included; null: as many as there are digits.
   */
  takeNumber(length: number | null): { readonly text: string; readonly value: number } | null {
    if (length !== null && this.#at + length > this.#text.length) return null
    const [all, text] = /^[ \t]*(-?\d+)/.exec(length === null ? this.rest : this.rest.slice(0, length)) ?? []
    if (all === undefined || text === undefined) return null
    this.#at += all.length
    return { text, value: Number(text) }
  }

  take(pattern: RegExp): RegExpExecArray | null {
    const found = pattern.exec(this.rest)
    if (found !== null) this.#at += found[0].length
    return found
  }

  /** The longest name, or its first three letters, in any case; -1 where there is none. */
  takeName(names: readonly string[]): number {
    const rest = this.rest.toLowerCase()
    const candidates = names.flatMap((name, index) => [name, name.slice(0, 3)].map((text) => ({ text, index })))
    const found = candidates.filter(({ text }) => rest.startsWith(text.toLowerCase())).toSorted((a, b) => b.text.length - a.text.length)[0]
    this.#at += found?.text.length ?? 0
    return found?.index ?? -1
  }
}

function emptyFields(): Fields {
  return {
    era: 1,
    year: 1970,
    month: 0,
    day: 1,
    dayOfYear: null,
    hour: 0,
    halfDayHour: null,
    halfDay: 0,
    minute: 0,
    second: 0,
    millisecond: 0,
    offsetMinutes: 0,
  }
}

/** False for fields that count weeks: they cannot be read. */
function putNumber(fields: Fields, letter: string, value: number): boolean {
  switch (letter) {
    case 'y':
      fields.year = value
      return true
    case 'M':
    case 'L':
      fields.month = value - 1
      return true
    case 'd':
      fields.day = value
      return true
    case 'D':
      fields.dayOfYear = value
      return true
    case 'H':
      fields.hour = value
      return true
    case 'k':
      fields.hour = value === 24 ? 0 : value
      return true
    case 'K':
      fields.halfDayHour = value
      return true
    case 'h':
      fields.halfDayHour = value === 12 ? 0 : value
      return true
    case 'm':
      fields.minute = value
      return true
    case 's':
      fields.second = value
      return true
    case 'S':
      fields.millisecond = value
      return true
    // The day of the week follows from the date.
    case 'u':
      return true
    default:
      return false
  }
}

function readText(reader: Reader, fields: Fields, letter: string, count: number): boolean {
  switch (letter) {
    case 'G':
      fields.era = reader.takeName(ERAS)
      return fields.era >= 0
    case 'M':
    case 'L':
      fields.month = reader.takeName(MONTHS)
      return fields.month >= 0
    case 'E':
      return reader.takeName(WEEKDAYS) >= 0
    case 'a':
      fields.halfDay = reader.takeName(HALF_DAYS)
      return fields.halfDay >= 0
    case 'X':
      return readIsoZone(reader, fields, count)
    default:
      return readZone(reader, fields)
  }
}

/** `Z`, or with as much as the pattern has letters: `+01`, `+0130`, `+01:30`. */
function readIsoZone(reader: Reader, fields: Fields, count: number): boolean {
  if (reader.take(/^[ \t]*Z/) !== null) return true
  return putOffset(fields, reader.take([/^[ \t]*([+-])(\d\d)/, /^[ \t]*([+-])(\d\d)(\d\d)/, /^[ \t]*([+-])(\d\d):(\d\d)/][count - 1] as RegExp))
}

/** `+0130`, `GMT+1:30` or a name. */
function readZone(reader: Reader, fields: Fields): boolean {
  const offset =
    reader.take(/^[ \t]*(?:GMT)?([+-])(\d{1,2}):(\d\d)/i) ?? reader.take(/^[ \t]*(?:GMT)?([+-])(\d\d)(\d\d)/i) ?? reader.take(/^[ \t]*GMT([+-])(\d{1,2})/i)
  if (offset !== null) return putOffset(fields, offset)
  const name = reader.take(/^[ \t]*([a-z]+)/i)?.[1]?.toUpperCase() ?? ''
  const minutes = Object.hasOwn(ZONES, name) ? ZONES[name] : undefined
  fields.offsetMinutes = minutes ?? 0
  return minutes !== undefined
}

function putOffset(fields: Fields, found: RegExpExecArray | null): boolean {
  if (found === null) return false
  const [, sign, hours = '0', minutes = '0'] = found
  if (Number(hours) > 23 || Number(minutes) > 59) return false
  fields.offsetMinutes = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  return true
}

function epochMsOfFields(fields: Fields): number {
  const year = fields.era === 0 ? 1 - fields.year : fields.year
  const day = fields.dayOfYear === null ? { year, month: fields.month, day: fields.day } : { year, month: 0, day: fields.dayOfYear }
  const hour = fields.halfDayHour === null ? fields.hour : fields.halfDayHour + fields.halfDay * 12
  return epochMsOf(day) + hour * 3_600_000 + (fields.minute - fields.offsetMinutes) * 60_000 + fields.second * 1000 + fields.millisecond
}
