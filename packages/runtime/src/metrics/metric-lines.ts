import { metricHelp } from './metric-catalogue.ts'
import type { Metric, MetricFamily, MetricStyle, MetricTags, PackedMetrics } from './metric.ts'
import { exposedName, labelName } from './metric-names.ts'

/** A family under construction. Its lines in pieces: joined at the end, they leave a quarter of the garbage of texts that grow. */
type Family = Omit<MetricFamily, 'lines'> & { readonly pieces: string[] }

/** Where metrics of one attribute go. */
interface Place {
  readonly family: Family
  /** The label that takes the value; null where that is a number. */
  readonly textLabel: string | null
}

/** Writes metrics as lines for Prometheus, those of one name together. For one reading; made anew for the next. */
export class MetricLines {
  readonly #style: MetricStyle
  readonly #families = new Map<string, Family>()
  /** By group, then by name and kind of value: most metrics are met many times. */
  readonly #known = new Map<string, Map<string, Place>>()
  /** Tags without the braces around them. */
  readonly #labels = new WeakMap<MetricTags, string>()

  constructor(style: MetricStyle) {
    this.#style = style
  }

  add(metric: Metric): void {
    const { value, tags } = metric
    const { family, textLabel } = this.#placeOf(metric)
    let labels = this.#labels.get(tags)
    if (labels === undefined) this.#labels.set(tags, (labels = this.#labelsOf(tags)))
    const { name, pieces } = family
    if (typeof value === 'string') {
      const isTaken = labels.startsWith(`${textLabel}="`) || labels.includes(`,${textLabel}="`)
      const text = `${isTaken ? `${textLabel}_value` : textLabel}="${escaped(value)}"`
      pieces.push(name, '{', labels, labels === '' ? '' : ',', text, '} 1\n')
    } else if (labels === '') pieces.push(name, ' ', numberText(value), '\n')
    else pieces.push(name, '{', labels, '} ', numberText(value), '\n')
  }

  addAll(metrics: Iterable<Metric>): void {
    for (const metric of metrics) this.add(metric)
  }

  /** What was written so far. */
  families(): readonly (MetricFamily & { readonly lines: string })[] {
    return [...this.#families.values()].map(({ name, type, help, pieces }) => ({ name, type, help, lines: pieces.join('') }))
  }

  /** What was written so far, for another thread. */
  packed(): PackedMetrics {
    const families = this.families().map((family) => ({ ...family, length: Buffer.byteLength(family.lines) }))
    // Not of the pool that small Buffers share: it would cross as a whole.
    const bytes = Buffer.allocUnsafeSlow(families.reduce((sum, { length }) => sum + length, 0))
    let end = 0
    for (const { lines } of families) end += bytes.write(lines, end)
    return { families: families.map(({ name, type, help, length }) => ({ name, type, help, length })), bytes }
  }

  #placeOf(metric: Metric): Place {
    const isText = typeof metric.value === 'string'
    let group = this.#known.get(metric.group)
    if (!group) this.#known.set(metric.group, (group = new Map()))
    const key = isText ? `${metric.name} text` : metric.name
    let place = group.get(key)
    if (!place) group.set(key, (place = this.#newPlace(metric, isText)))
    return place
  }

  #newPlace(metric: Metric, isText: boolean): Place {
    const { family: name, textLabel } = exposedName(this.#style, metric, isText)
    let family = this.#families.get(name)
    if (!family) {
      const type = name.endsWith('_total') ? 'counter' : 'gauge'
      this.#families.set(name, (family = { name, type, help: metricHelp(metric.group, metric.name), pieces: [] }))
    }
    return { family, textLabel }
  }

  #labelsOf(tags: MetricTags): string {
    // Tags of plug-ins may become the same label; two of one name would spoil the whole answer.
    const labels = new Map(Object.entries(tags).map(([tag, value]) => [labelName(this.#style, tag), escaped(value)]))
    return [...labels].map(([label, value]) => `${label}="${value}"`).join(',')
  }
}

/** What another thread has written. */
export function unpacked({ families, bytes }: PackedMetrics): MetricFamily[] {
  let start = 0
  return families.map(({ length, ...family }) => {
    const lines = bytes.subarray(start, start + length)
    start += length
    return { ...family, lines }
  })
}

function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value)
  return value > 0 ? '+Inf' : '-Inf'
}

function escaped(text: string): string {
  return /[\\"\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : text
}
