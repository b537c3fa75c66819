import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What a process has used, as the kernel counts it. Linux only. */
export interface ProcessUsage {
  /** User and system time of all threads since the process began. Seconds. */
  readonly cpuSeconds: number
  /** Resident memory now. Bytes. */
  readonly rssBytes: number
  /** The most that was ever resident. Bytes. */
  readonly rssPeakBytes: number
}

export function processUsage(pid: number): ProcessUsage {
  // The second field is the program's name in parentheses, which may hold blanks.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond(),
    rssBytes: kibibytes(status, 'VmRSS'),
    rssPeakBytes: kibibytes(status, 'VmHWM'),
  }
}

function kibibytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
}

let ticks = 0

function ticksPerSecond(): number {
  if (ticks === 0) ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  return ticks
}
