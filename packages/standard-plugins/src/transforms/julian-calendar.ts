// Dates before 15 October 1582 are Julian in Java's calendar. JavaScript has the Gregorian calendar only, for all times.

const MS_PER_DAY = 86_400_000
/** 15 October 1582, counted in days from the epoch: the first day of the Gregorian calendar. */
const FIRST_GREGORIAN_DAY = -141_427
/** The Julian 1 January of year 0 (1 BC), counted in days from the epoch. */
const JULIAN_YEAR_0 = -719_530
const DAYS_OF_4_YEARS = 1461

export interface CalendarDay {
  /** 0 is 1 BC, -1 is 2 BC. */
  readonly year: number
  /** From 0. */
  readonly month: number
  /** From 1. */
  readonly day: number
}

/** The day of an instant in UTC, as Java's `GregorianCalendar` has it. */
export function calendarDayOf(epochMs: number): CalendarDay {
  const days = Math.floor(epochMs / MS_PER_DAY)
  if (days >= FIRST_GREGORIAN_DAY) {
    const date = new Date(epochMs)
    return { year: date.getUTCFullYear(), month: date.getUTCMonth(), day: date.getUTCDate() }
  }
  const since = days - JULIAN_YEAR_0
  const cycle = Math.floor(since / DAYS_OF_4_YEARS)
  const dayOfCycle = since - cycle * DAYS_OF_4_YEARS
  // The first year of a cycle is the leap year.
  const yearOfCycle = dayOfCycle < 366 ? 0 : Math.floor((dayOfCycle - 366) / 365) + 1
  const dayOfYear = dayOfCycle - (yearOfCycle === 0 ? 0 : 366 + (yearOfCycle - 1) * 365)
  const months = monthStarts(yearOfCycle === 0)
  const month = months.findLastIndex((start) => start <= dayOfYear)
  return { year: cycle * 4 + yearOfCycle, month, day: dayOfYear - (months[month] as number) + 1 }
}

/** Midnight of a day in UTC. Months and days beyond their range go over into the next ones. Milliseconds since the epoch. */
export function epochMsOf({ year, month, day }: CalendarDay): number {
  const fullYear = year + Math.floor(month / 12)
  const monthOfYear = ((month % 12) + 12) % 12
  const gregorian = new Date(0).setUTCFullYear(fullYear, monthOfYear, day)
  if (Math.floor(gregorian / MS_PER_DAY) >= FIRST_GREGORIAN_DAY) return gregorian
  const cycle = Math.floor(fullYear / 4)
  const yearOfCycle = fullYear - cycle * 4
  const yearStart = JULIAN_YEAR_0 + cycle * DAYS_OF_4_YEARS + (yearOfCycle === 0 ? 0 : 366 + (yearOfCycle - 1) * 365)
  const monthStart = monthStarts(yearOfCycle === 0)[monthOfYear] as number
  return (yearStart + monthStart + day - 1) * MS_PER_DAY
}

function monthStarts(isLeapYear: boolean): readonly number[] {
  const leapDay = isLeapYear ? 1 : 0
  return [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334].map((start, month) => (month > 1 ? start + leapDay : start))
}
