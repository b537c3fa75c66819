import { ConfigDef, type Properties, type SourceConnector, type SourceRecord, type SourceTask, type SourceTaskContext } from '@millrace/api'
import { misbehaviours } from './misbehaviour.ts'

const definition = new ConfigDef()
  .define('topic', { type: 'STRING', default: '', importance: 'HIGH', documentation: 'Where records go.' })
  .define('behaviour', {
    type: 'STRING',
    default: '',
    importance: 'HIGH',
    documentation: 'What goes wrong, and in which call: `poll hang`; several with `and`.',
  })
  .define('poll.interval.ms', { type: 'LONG', default: 5, importance: 'LOW', documentation: 'Milliseconds between two polls that return records.' })
  .define('tasks.count', { type: 'INT', default: -1, importance: 'LOW', documentation: 'How many tasks it makes; -1 for as many as it may.' })
  .define('fifo', { type: 'STRING', default: '', importance: 'LOW', documentation: 'A path to block on.' })

/** Does in one of its calls what plug-ins should not do (`behaviour` = `<call> <misbehaviour>`); otherwise a source of ten numbers per poll. */
export class MisbehavingSourceConnector implements SourceConnector {
  #properties: Properties = {}

  config(): ConfigDef {
    return definition
  }
  async validate(properties: Properties) {
    await misbehave(properties, 'validate')
    return definition.validate(properties)
  }
  async start(properties: Properties): Promise<void> {
    this.#properties = properties
    await misbehave(properties, 'connector-start')
  }
  taskClass() {
    return NumberSourceTask
  }
  async taskConfigs(maxTasks: number): Promise<Properties[]> {
    await misbehave(this.#properties, 'taskConfigs')
    const count = Number(this.#properties['tasks.count'] ?? -1)
    return Array.from({ length: count < 0 ? maxTasks : count }, (_, task) => ({ ...this.#properties, task: String(task) }))
  }
  async stop(): Promise<void> {
    await misbehave(this.#properties, 'connector-stop')
  }
}

class NumberSourceTask implements SourceTask {
  #properties: Properties = {}
  #context: SourceTaskContext | null = null
  #partition = {}
  #last = 0

  async start(properties: Properties, context: SourceTaskContext): Promise<void> {
    this.#properties = properties
    this.#context = context
    this.#partition = { task: properties['task'] ?? '0' }
    const offset = await context.offsetStorageReader.offset(this.#partition)
    this.#last = Number(offset?.['last'] ?? 0)
    await misbehave(properties, 'start')
  }

  async poll(): Promise<SourceRecord[]> {
    await misbehave(this.#properties, 'poll')
    await new Promise((resolve) => setTimeout(resolve, Number(this.#properties['poll.interval.ms'] ?? 5)))
    if (this.#context?.signal.aborted || this.#properties['behaviour'] === 'poll nothing') return []
    return Array.from({ length: 10 }, () => {
      const number = ++this.#last
      return {
        topic: this.#properties['topic'] ?? '',
        kafkaPartition: null,
        keySchema: null,
        key: null,
        valueSchema: null,
        value: String(number),
        timestamp: null,
        headers: null,
        sourcePartition: this.#partition,
        sourceOffset: { last: number },
      }
    })
  }

  /** Says that there is more, as there always is. */
  hasBacklog(): boolean {
    return true
  }

  async stop(): Promise<void> {
    await misbehave(this.#properties, 'stop')
  }
}

/** Misbehaves where the configuration asks for it in this call, in the task that it names (`behaviour.task`, default all). */
function misbehave(properties: Properties, call: string): void | Promise<void> {
  const behaviours = (properties['behaviour'] ?? '').split(' and ').map((behaviour) => behaviour.split(' '))
  const [, what = ''] = behaviours.find(([when]) => when === call) ?? []
  const task = properties['behaviour.task']
  if (what === '' || (task !== undefined && properties['task'] !== undefined && properties['task'] !== task)) return
  return misbehaviours[what]?.(properties['fifo'] ?? '')
}
