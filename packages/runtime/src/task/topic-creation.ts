import { ConnectError, javaRegExp, type Logger } from '@millrace/api'
import type { Admin } from '@millrace/kafka'
import type { TopicCreationConfig, TopicCreationGroup } from '../config/topic-creation-config.ts'
import { isRetriableKafkaError } from './source-producer.ts'

/** What topic creation needs of the Kafka admin client. */
export interface TopicAdmin {
  /** @returns whether the topic exists. */
  topicExists(topic: string): Promise<boolean>
  /** @returns false where it exists by now. @throws where it cannot be created. */
  createTopic(topic: NewTopic): Promise<boolean>
  close(): Promise<void>
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

/** Creates the topics that a source task writes to, where that is configured (KIP-158); otherwise the broker creates them, or not. */
export class TopicCreation {
  readonly #groups: readonly CompiledGroup[]
  readonly #admin: TopicAdmin | null
  readonly #logger: Logger

  /** @param config null where topics are left to the broker; then no admin client is needed. */
  constructor(config: TopicCreationConfig | null, admin: TopicAdmin | null, logger: Logger) {
    this.#groups = (config?.groups ?? []).map(compiled)
    this.#admin = admin
    this.#logger = logger
  }

  /** Asked once per topic of a task. @throws where the topic neither exists nor can be created. */
  async ensureExists(topic: string): Promise<void> {
    if (this.#admin === null || (await this.#admin.topicExists(topic))) return
    const group = this.#groups.find((each) => each.matches(topic))?.group
    if (!group) return
    this.#logger.info(`Creating topic '${topic}'`)
    try {
      await this.#admin.createTopic({ name: topic, partitions: group.partitions, replicationFactor: group.replicationFactor, configs: group.configs })
      this.#logger.info(`Created topic '${topic}' using creation group ${group.name}`)
    } catch (cause) {
      if (isRetriableKafkaError(cause)) throw cause
      throw new ConnectError(
        `Task failed to create new topic ${topic}. Ensure that the task is authorized to create topics or that the topic exists and restart the task`,
        { cause },
      )
    }
  }

  async close(): Promise<void> {
    await this.#admin?.close()
  }
}

/** Topic administration by the Kafka client. */
export function kafkaTopicAdmin(admin: Admin): TopicAdmin {
  return {
    async topicExists(topic) {
      const [description] = await admin.describeTopics([topic])
      if (description?.error) {
        if (description.error.code === 'UNKNOWN_TOPIC_OR_PARTITION') return false
        throw description.error
      }
      return description !== undefined
    },
    async createTopic(topic) {
      const [created] = await admin.createTopics([topic])
      if (created?.error && created.error.code !== 'TOPIC_ALREADY_EXISTS') throw created.error
      return !created?.error
    },
    close: () => admin.close(),
  }
}

interface CompiledGroup {
  readonly group: TopicCreationGroup
  matches(topic: string): boolean
}

/** Include and exclude expressions match the whole name; the default group takes what no other took. */
function compiled(group: TopicCreationGroup): CompiledGroup {
  if (group.name === 'default') return { group, matches: () => true }
  // One by one: a leading (?i) counts for its own expression only.
  const include = group.include.map((expression) => javaRegExp(expression))
  const exclude = group.exclude.map((expression) => javaRegExp(expression))
  return { group, matches: (topic) => include.some((each) => each.test(topic)) && !exclude.some((each) => each.test(topic)) }
}
