import { DateSchema, TimeSchema, TimestampSchema } from './logical-types.ts'
import type { SchemaAndValue } from './schema.ts'

/*
 * Text of dates as the original's SimpleDateFormat reads and writes it: in the time zone of the process (the Z is only a letter), and leniently:
 * the 45th of a month is a day of the next one, and what follows the last field is ignored.
 */

const MS_PER_DAY = 86_400_000

const datePattern = /^\s*(\d+)-\s*(\d+)-\s*(\d+)/
const timePattern = /^\s*(\d+):\s*(\d+):\s*(\d+)\.\s*(\d+)Z/
const timestampPattern = /^\s*(\d+)-\s*(\d+)-\s*(\d+)T\s*(\d+):\s*(\d+):\s*(\d+)\.\s*(\d+)Z/

/** Reads `yyyy-MM-dd`, `HH:mm:ss.SSSZ` or both joined by `T`, told apart by their length alone; null where the text is none of them. */
export function parseTemporal(text: string): SchemaAndValue | null {
  const unescaped = text.replaceAll('\\:', ':')
  switch (unescaped.length) {
    case 10:
      return temporal(DateSchema, datePattern.exec(unescaped), ([year = 0, month = 1, day = 1]) => [year, month, day, 0, 0, 0, 0])
    case 13:
      return temporal(TimeSchema, timePattern.exec(unescaped), ([hour = 0, minute = 0, second = 0, ms = 0]) => [1970, 1, 1, hour, minute, second, ms])
    case 24:
      return temporal(TimestampSchema, timestampPattern.exec(unescaped), (fields) => fields)
    default:
      return null
  }
}

function temporal(
  schema: SchemaAndValue['schema'],
  match: RegExpExecArray | null,
  allFields: (fields: readonly number[]) => readonly number[],
): SchemaAndValue | null {
  if (match === null) return null
  const [year = 0, month = 1, day = 1, hour, minute, second, ms] = allFields(match.slice(1).map(Number))
  const date = new Date(2000, 0, 1, hour, minute, second, ms)
  // In one step, so that years below 100 are not taken for those of the twentieth century.
  const dayOffset = date.getDate() - 1
  date.setFullYear(year, month - 1, day + dayOffset)
  return { schema, value: date }
}

/** The shortest of the three forms that tells all of `date`; which one it is depends on its value only. */
export function temporalText(date: Date): string {
  const timeMs = date.getTime()
  if (timeMs < MS_PER_DAY) return timeText(date)
  return timeMs % MS_PER_DAY === 0 ? dateText(date) : `${dateText(date)}T${timeText(date)}`
}

function dateText(date: Date): string {
  return `${padded(date.getFullYear(), 4)}-${padded(date.getMonth() + 1, 2)}-${padded(date.getDate(), 2)}`
}

function timeText(date: Date): string {
  return `${padded(date.getHours(), 2)}:${padded(date.getMinutes(), 2)}:${padded(date.getSeconds(), 2)}.${padded(date.getMilliseconds(), 3)}Z`
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
