import type { MetricFamily } from './metric.ts'

/** How Prometheus asks for metrics: its text format 0.0.4, or OpenMetrics 1.0.0. */
export type MetricFormat = 'text' | 'openmetrics'

export const metricContentTypes: Readonly<Record<MetricFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** The format that a client likes best, by its `Accept` header; the text format where it does not say. */
export function metricFormatOf(accept: string | undefined): MetricFormat {
  let best: MetricFormat = 'text'
  let bestQuality = 0
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const format = type === 'application/openmetrics-text' ? 'openmetrics' : type === 'text/plain' ? 'text' : null
    const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
    if (format === null || !(quality > bestQuality)) continue
    best = format
    bestQuality = quality
  }
  return best
}

/** How long the event loop may be held before others have their turn. Milliseconds. */
const SLICE_MS_MAX = 10

/**
 * The whole answer: families of several sources put together by name, each under its own heading. With many tasks that are megabytes, so the event loop turns in between.
 * @param pause lets others have their turn.
 */
export async function exposition(format: MetricFormat, sources: readonly (readonly MetricFamily[])[], pause: () => Promise<void>): Promise<Buffer> {
  const merged = new Map<string, MetricFamily[]>()
  for (const families of sources) {
    for (const family of families) {
      const parts = merged.get(family.name)
      if (parts) parts.push(family)
      else merged.set(family.name, [family])
    }
  }
  const pieces: Uint8Array[] = []
  let startedAtMs = performance.now()
  for (const [name, parts] of merged) {
    if (performance.now() - startedAtMs > SLICE_MS_MAX) {
      await pause()
      startedAtMs = performance.now()
    }
    pieces.push(Buffer.from(heading(format, name, parts[0]!)))
    for (const { lines } of parts) pieces.push(typeof lines === 'string' ? Buffer.from(lines) : lines)
  }
  if (format === 'openmetrics') pieces.push(Buffer.from('# EOF\n'))
  return Buffer.concat(pieces)
}

function heading(format: MetricFormat, name: string, { type, help }: MetricFamily): string {
  // OpenMetrics names a counter without the ending of its sample.
  const family = format === 'openmetrics' && type === 'counter' ? name.slice(0, -'_total'.length) : name
  const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return `# HELP ${family} ${format === 'openmetrics' ? text.replaceAll('"', '\\"') : text}\n# TYPE ${family} ${type}\n`
}
