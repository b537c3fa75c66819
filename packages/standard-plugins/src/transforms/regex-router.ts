import { ConfigDef, type ConnectRecord, javaRegExp, type Properties, type Transformation } from '@millrace/api'
import { validRegex } from '../valid-regex.ts'

const config = new ConfigDef()
  .define('regex', {
    type: 'STRING',
    importance: 'HIGH',
    documentation: 'Regular expression that the whole name of a topic has to match.',
    validator: validRegex,
  })
  .define('replacement', { type: 'STRING', importance: 'HIGH', documentation: 'What the match is replaced by; `$1` and `${name}` stand for its groups.' })

/** Sends records to a topic whose name is made from that of their topic (`org.apache.kafka.connect.transforms.RegexRouter`). */
export class RegexRouter<R extends ConnectRecord> implements Transformation<R> {
  /** Topics seen, with the topic to which each is sent: there are few of them. */
  readonly #topics = new Map<string, string>()
  #whole = /(?:)/
  #first = /(?:)/
  #replacement = ''

  config(): ConfigDef {
    return config
  }

  configure(properties: Properties): void {
    const { regex, replacement } = config.parse(properties)
    this.#whole = javaRegExp(regex)
    this.#first = javaRegExp(regex, { isWhole: false })
    this.#replacement = replacement
  }

  apply(record: R): R {
    let topic = this.#topics.get(record.topic)
    if (topic === undefined) {
      topic = this.#routed(record.topic)
      if (this.#topics.size < TOPICS_MAX) this.#topics.set(record.topic, topic)
    }
    return topic === record.topic ? record : { ...record, topic }
  }

  /** The whole name has to match, yet it is the first match that is replaced: they may differ (`a|ab`). */
  #routed(topic: string): string {
    if (!this.#whole.test(topic)) return topic
    const match = this.#first.exec(topic)
    if (match === null) return topic
    const end = match.index + match[0].length
    return topic.slice(0, match.index) + expanded(this.#replacement, match) + topic.slice(end)
  }
}

const TOPICS_MAX = 1000

/** Java's replacement text: `$1` takes as many digits as make a group, `\` makes the next character stand for itself. @throws RangeError, SyntaxError */
function expanded(replacement: string, match: RegExpExecArray): string {
  let text = ''
  for (let at = 0; at < replacement.length; ) {
    const character = replacement[at] as string
    if (character === '\\') {
      if (at + 1 === replacement.length) throw new SyntaxError('character to be escaped is missing')
      text += replacement[at + 1] as string
      at += 2
    } else if (character === '$') {
      const { group, length } = groupReference(replacement.slice(at), match)
      text += group
      at += length
    } else {
      text += character
      at++
    }
  }
  return text
}

function groupReference(rest: string, match: RegExpExecArray): { readonly group: string; readonly length: number } {
  const named = /^\$\{([^}]*)\}/.exec(rest)
  if (named !== null) {
    const name = named[1] as string
    if (match.groups === undefined || !Object.hasOwn(match.groups, name)) throw new SyntaxError(`No group with name {${name}}`)
    return { group: match.groups[name] ?? '', length: named[0].length }
  }
  const digits = /^\$(\d+)/.exec(rest)?.[1]
  if (digits === undefined) throw new SyntaxError(rest === '$' ? 'Illegal group reference: group index is missing' : 'Illegal group reference')
  let length = 1
  if (Number(digits[0]) >= match.length) throw new RangeError(`No group ${digits[0]}`)
  while (length < digits.length && Number(digits.slice(0, length + 1)) < match.length) length++
  return { group: match[Number(digits.slice(0, length))] ?? '', length: length + 1 }
}
