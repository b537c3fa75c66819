import { type LaneResult, type Metric, metrics, ratios, type Sample, spread } from './measurement.ts'

/** The names of the original's sides begin so; ours are compared with each of them. */
export const originalSide = 'Kafka Connect (Java)'

/** A lane as Markdown: per metric and side min, median and max, the first repetition apart, and the ratio to the original. */
export function laneTable(result: LaneResult): string {
  const originals = [...result.samples.keys()].filter((side) => side.startsWith(originalSide))
  const ratioHeads = originals.map((side) => `ratio to Java${side.slice(originalSide.length)}: median (min - max)`)
  const heads = ['', 'unit', ...(result.hasWarmUp ? ['first'] : []), 'min', 'median', 'max', ...ratioHeads]
  const rows = [...result.samples].flatMap(([side, samples]) => metricsOf(samples).map((metric) => row(result, side, metric, originals)))
  rows.sort((a, b) => a.order - b.order)
  const lines = [heads, heads.map((_, column) => (column === 0 ? '---' : '---:')), ...rows.map(({ cells }) => cells)]
  return `### ${result.title}\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

function row(result: LaneResult, side: string, metric: Metric, originals: readonly string[]): { order: number; cells: string[] } {
  const { title, unit, places } = metrics[metric]
  const all = result.samples.get(side) ?? []
  const counted = result.hasWarmUp ? all.slice(1) : all
  const values = spread(counted.flatMap((sample) => sample[metric] ?? []))
  const ratioTo = (original: string): string => {
    if (side.startsWith(originalSide)) return ''
    const others = result.samples.get(original) ?? []
    const ratio = ratios(counted, result.hasWarmUp ? others.slice(1) : others, metric)
    return ratio === null ? '' : `${ratio.median.toFixed(3)} (${ratio.min.toFixed(3)} - ${ratio.max.toFixed(3)})`
  }
  const number = (value: number | undefined): string =>
    value === undefined || Number.isNaN(value) ? '-' : value.toLocaleString('en-US', { minimumFractionDigits: places, maximumFractionDigits: places })
  return {
    order: Object.keys(metrics).indexOf(metric),
    cells: [
      `${title}, ${side}`,
      unit,
      ...(result.hasWarmUp ? [number(all[0]?.[metric])] : []),
      number(values.min),
      number(values.median),
      number(values.max),
      ...originals.map(ratioTo),
    ],
  }
}

function metricsOf(samples: readonly Sample[]): Metric[] {
  return (Object.keys(metrics) as Metric[]).filter((metric) => samples.some((sample) => sample[metric] !== undefined))
}
