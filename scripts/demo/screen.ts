import { stdout } from 'node:process'

export interface Progress {
  /** Records that Kafka has acknowledged. */
  readonly produced: number
  /** Records that the sink has taken. */
  readonly consumed: number
  readonly lag: number | null
  /** Of the copy, from 0 to 1. */
  readonly share: number
}

/** One line that is written over in a terminal; elsewhere a line every second. */
export class ProgressLine {
  #last: { readonly seconds: number; readonly progress: Progress } = { seconds: 0, progress: { produced: 0, consumed: 0, lag: null, share: 0 } }
  #rates = { produced: 0, consumed: 0 }
  #printedAtSecond = -1

  show(seconds: number, progress: Progress): void {
    this.#measure(seconds, progress)
    const text = [
      `${seconds.toFixed(1).padStart(6)} s`,
      `file → topic ${rate(this.#rates.produced)}`,
      `topic → file ${rate(this.#rates.consumed)}`,
      `lag ${progress.lag === null ? '-' : progress.lag.toLocaleString('en-US')}`,
      `${Math.floor(progress.share * 100)} %`,
    ].join('   ')
    if (stdout.isTTY) stdout.write(`\r\x1b[2K${text}`)
    else if (Math.floor(seconds) > this.#printedAtSecond || progress.share === 1) {
      this.#printedAtSecond = Math.floor(seconds)
      stdout.write(`${text}\n`)
    }
  }

  end(): void {
    if (stdout.isTTY) stdout.write('\n')
  }

  /** Over half a second at least, so that the number can be read. */
  #measure(seconds: number, progress: Progress): void {
    const elapsed = seconds - this.#last.seconds
    if (elapsed < 0.5 && this.#last.seconds > 0 && progress.share < 1) return
    this.#rates = {
      produced: (progress.produced - this.#last.progress.produced) / elapsed,
      consumed: (progress.consumed - this.#last.progress.consumed) / elapsed,
    }
    this.#last = { seconds, progress }
  }
}

function rate(recordsPerSecond: number): string {
  return `${Math.round(recordsPerSecond).toLocaleString('en-US').padStart(9)} records/s`
}

/** Columns as wide as their widest cell; numbers to the right. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const isNumber = heads.map((_, column) => rows.every((row) => /^[\d,.]*$/.test(row[column] ?? '')))
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, column) => (isNumber[column] ? (cells[column] ?? '').padStart(width) : (cells[column] ?? '').padEnd(width)))
      .join('  ')
      .trimEnd()
  return `${[line(heads), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n')}\n`
}
