import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = 'leader-epoch-checkpoint'
const FORMAT = '0'

interface EpochStart {
  readonly epoch: number
  /** Offset of the first record of the epoch. */
  readonly startOffset: number
}

/** Where an epoch ended: the largest one that is not above the one asked for, and the offset behind its last record. */
export interface EpochEnd {
  readonly leaderEpoch: number
  readonly endOffset: number
}

/**
 * Under which leader each record of a log was written (KIP-101, KIP-279): epochs with the offsets at which they began, in a file of Kafka's format
 * beside the log. An epoch is there once it has a record. What the file lacks after a crash comes from the batches of the last segment.
 */
export class LeaderEpochs {
  readonly #path: string
  #starts: EpochStart[]

  private constructor(path: string, starts: EpochStart[]) {
    this.#path = path
    this.#starts = starts
  }

  /**
   * Reads the file of a log.
   *
   * @param firstOffset where a log with records begins; undefined for an empty one. Without a whole file, its records are taken for those of epoch 0.
   * @throws the system's error.
   */
  static open(directory: string, firstOffset: number | undefined): LeaderEpochs {
    const path = join(directory, FILE)
    return new LeaderEpochs(path, startsIn(path) ?? (firstOffset === undefined ? [] : [{ epoch: 0, startOffset: firstOffset }]))
  }

  /** Records of this epoch begin at this offset; nothing happens if they began before. @throws the system's error. */
  begin(epoch: number, startOffset: number): void {
    const last = this.#starts.at(-1)
    if (last && last.epoch >= epoch) return
    const starts = [...this.#starts, { epoch, startOffset }]
    this.#save(starts)
    this.#starts = starts
  }

  /** The log ends here: epochs that began later have no records. @throws the system's error. */
  cutAt(endOffset: number): void {
    const starts = this.#starts.filter(({ startOffset }) => startOffset < endOffset)
    if (starts.length === this.#starts.length) return
    this.#save(starts)
    this.#starts = starts
  }

  /** The log begins here: epochs that ended before have no records. Saved with the next epoch. */
  forgetBefore(startOffset: number): void {
    const first = this.#indexOf(startOffset)
    if (first > 0) this.#starts = this.#starts.slice(first)
  }

  /** The epoch of the record at an offset; -1 if it is not known. */
  epochOf(offset: number): number {
    return this.#starts[this.#indexOf(offset)]?.epoch ?? -1
  }

  /**
   * Where an epoch ended, as OffsetForLeaderEpoch answers it.
   *
   * @param current the epoch of the present leader, and the end of the log.
   * @returns -1 for both if the epoch was never heard of.
   */
  endOf(epoch: number, current: EpochEnd): EpochEnd {
    if (epoch === current.leaderEpoch) return current
    const next = this.#starts.findIndex((start) => start.epoch > epoch)
    if (next === -1) {
      // Between the last epoch with records and the present one, which has none yet, all ended where the log ends.
      if (epoch < current.leaderEpoch) return { leaderEpoch: this.#starts.at(-1)?.epoch ?? epoch, endOffset: current.endOffset }
      return { leaderEpoch: -1, endOffset: -1 }
    }
    return { leaderEpoch: this.#starts[next - 1]?.epoch ?? epoch, endOffset: this.#starts[next]!.startOffset }
  }

  #indexOf(offset: number): number {
    return this.#starts.findLastIndex(({ startOffset }) => startOffset <= offset)
  }

  #save(starts: readonly EpochStart[]): void {
    const draft = `${this.#path}.new`
    // Not brought to the disk: the latest epochs are also in the last segment, from which a crash is recovered.
    writeFileSync(draft, [FORMAT, starts.length, ...starts.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`), ''].join('\n'))
    renameSync(draft, this.#path)
  }
}

/** Undefined if there is no file, or no whole one. */
function startsIn(path: string): EpochStart[] | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
  const [format, count, ...lines] = text.trimEnd().split('\n')
  const starts = lines.map((line) => {
    const [epoch, startOffset] = line.split(' ').map(Number)
    return { epoch: epoch!, startOffset: startOffset! }
  })
  const isWhole = starts.length === Number(count) && starts.every(({ epoch, startOffset }) => Number.isSafeInteger(epoch) && Number.isSafeInteger(startOffset))
  return format === FORMAT && isWhole ? starts : undefined
}
