/** What one repetition of a lane gave, by metric. */
export type Sample = Readonly<Partial<Record<Metric, number>>>

export type Metric = 'throughput' | 'cpuPerMillion' | 'codecCpuPerMillion' | 'rssPeak' | 'startUpTime' | 'startUpCpu' | 'idleRss' | ClusterMetric

/** Of workers with many tasks. */
type ClusterMetric = 'allRunningTime' | 'restartTime' | 'restartAfterRest' | 'joinTime' | 'takeOverTime' | 'tasksRss' | 'tasksRssPeak' | 'tasksIdleCpu'

export interface MetricDescription {
  readonly title: string
  readonly unit: string
  /** Decimal places. */
  readonly places: number
  readonly isMoreBetter: boolean
}

export const metrics: Readonly<Record<Metric, MetricDescription>> = {
  throughput: { title: 'throughput', unit: 'records/s', places: 0, isMoreBetter: true },
  cpuPerMillion: { title: 'CPU per million records', unit: 's', places: 2, isMoreBetter: false },
  codecCpuPerMillion: { title: 'the codec alone, CPU per million', unit: 's', places: 2, isMoreBetter: false },
  rssPeak: { title: 'peak RSS', unit: 'MB', places: 0, isMoreBetter: false },
  startUpTime: { title: 'start-up to GET / = 200', unit: 's', places: 2, isMoreBetter: false },
  startUpCpu: { title: 'CPU of the start-up', unit: 's', places: 2, isMoreBetter: false },
  idleRss: { title: 'idle RSS', unit: 'MB', places: 0, isMoreBetter: false },
  allRunningTime: { title: 'from the first POST until all run', unit: 's', places: 2, isMoreBetter: false },
  restartTime: { title: 'start after a clean stop until all run', unit: 's', places: 2, isMoreBetter: false },
  restartAfterRest: { title: 'of it, after REST answers', unit: 's', places: 2, isMoreBetter: false },
  joinTime: { title: 'another worker is started until it has its share', unit: 's', places: 2, isMoreBetter: false },
  takeOverTime: { title: 'a worker is killed until its tasks run elsewhere', unit: 's', places: 2, isMoreBetter: false },
  tasksRss: { title: 'RSS with all tasks', unit: 'MB', places: 0, isMoreBetter: false },
  tasksRssPeak: { title: 'peak RSS', unit: 'MB', places: 0, isMoreBetter: false },
  tasksIdleCpu: { title: 'idle CPU', unit: '% of a core', places: 2, isMoreBetter: false },
}

/** One lane of one run: the samples of each side, the first repetition included. */
export interface LaneResult {
  readonly title: string
  /** Whether the first repetition warms up and is shown apart: where repetitions share a process. */
  readonly hasWarmUp: boolean
  /** Side → its samples, in the order of repetitions. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>
  /** The ratios to the original that are wanted: at least, of what is the better the more there is of it, and at most of the rest. */
  readonly wanted?: Sample
  /** What is wanted of our side whatever the original does, in the metric's own unit. */
  readonly wantedOfUs?: Sample
}

export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
  return { min: sorted[0] ?? Number.NaN, median, max: sorted.at(-1) ?? Number.NaN }
}

/** Ours to theirs, repetition by repetition: those that ran one after the other are compared. */
export function ratios(ours: readonly Sample[], theirs: readonly Sample[], metric: Metric): Spread | null {
  const pairs = ours.map((sample, index) => [sample[metric], theirs[index]?.[metric]] as const)
  const values = pairs.flatMap(([a, b]) => (a === undefined || b === undefined ? [] : [a / b]))
  return values.length === 0 ? null : spread(values)
}
