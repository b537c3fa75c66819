import { type LaneResult, type Metric, metrics, ratios, type Sample, spread } from './measurement.ts'

/** The names of the original's sides, or how they begin; ours are compared with each of them. */
export const originalSide = 'Kafka Connect (Java)'
export const originalClient = 'Java client'
export const originalBroker = 'Apache Kafka'

function isOriginal(side: string): boolean {
  return [originalSide, originalClient, originalBroker].some((name) => side.startsWith(name))
}

/** A lane as Markdown: per metric and side min, median and max, the first repetition apart, and the ratio to the original. */
export function laneTable(result: LaneResult): string {
  const originals = [...result.samples.keys()].filter(isOriginal)
  const ratioHeads = originals.map((side) => `ratio to ${side.replace(originalSide, 'Java')}: median (min - max)`)
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
    if (isOriginal(side)) return ''
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

/** A line for each ratio or value that is wanted, and whether it was reached. Empty where nothing is. */
export function targetsTable(results: readonly LaneResult[]): string {
  const rows = results.flatMap(({ title, hasWarmUp, samples, wanted = {}, wantedOfUs = {} }) => {
    const counted = (name: string | undefined): readonly Sample[] => (samples.get(name ?? '') ?? []).slice(hasWarmUp ? 1 : 0)
    const sides = [...samples.keys()]
    const [ours, theirs] = [counted(sides.find((side) => !isOriginal(side))), counted(sides.find(isOriginal))]
    return [
      ...metricsOf([wanted]).map((metric) => targetRow(title, metric, wanted[metric] as number, ratios(ours, theirs, metric)?.median ?? Number.NaN)),
      ...metricsOf([wantedOfUs]).map((metric) =>
        targetRow(title, metric, wantedOfUs[metric] as number, spread(ours.flatMap((sample) => sample[metric] ?? [])).median, ` ${metrics[metric].unit}`),
      ),
    ]
  })
  if (rows.length === 0) return ''
  return `| lane | | wanted | median | |\n| --- | --- | ---: | ---: | --- |\n${rows.join('\n')}\n`
}

/** @param unit of the numbers; nothing for ratios. */
function targetRow(title: string, metric: Metric, wanted: number, median: number, unit = ''): string {
  const { title: what, isMoreBetter } = metrics[metric]
  const outcome = (isMoreBetter ? median >= wanted : median <= wanted) ? 'reached' : 'missed'
  const [shown, verdict] = Number.isNaN(median) ? ['-', 'not measured'] : [`${median.toFixed(2)}${unit}`, outcome]
  return `| ${title} | ${what} | ${isMoreBetter ? '≥' : '≤'} ${wanted.toFixed(2)}${unit} | ${shown} | ${verdict} |`
}

function metricsOf(samples: readonly Sample[]): Metric[] {
  return (Object.keys(metrics) as Metric[]).filter((metric) => samples.some((sample) => sample[metric] !== undefined))
}
