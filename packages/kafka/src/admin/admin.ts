import { ErrorCode, type KafkaError, kafkaError, type RequestInput, type ResponseBody, ZERO_UUID } from '@millrace/kafka-protocol'
import type { BrokerNode } from '../broker-node.ts'
import { type Clock, monotonicClock } from '../clock.ts'
import { Cluster, type PartitionMetadata } from '../cluster.ts'
import { type AdminConfig, adminConfig } from '../config/admin-config.ts'
import type { Properties } from '../config/client-properties.ts'
import { CommittedOffsets, type CommittedOffset, type OffsetCommit } from '../consumer/committed-offsets.ts'
import { asKafkaError, timeoutError } from '../errors.ts'
import { Coordinator } from '../group/coordinator.ts'
import { inTime } from '../in-time.ts'
import { type FoundOffset, listOffsets, OffsetAt, type OffsetQuery } from '../list-offsets.ts'
import type { Logger } from '../logger.ts'
import type { TopicPartition } from '../topic-partition.ts'

export interface NewTopic {
  readonly name: string
  /** Default: the broker's (`num.partitions`). */
  readonly partitions?: number
  /** Default: the broker's (`default.replication.factor`). */
  readonly replicationFactor?: number
  /** Topic settings, such as `cleanup.policy`. */
  readonly configs?: Readonly<Record<string, string>>
}

/** What became of one of several things asked for. */
export interface Result {
  readonly name: string
  /** Null if it was done. */
  readonly error: KafkaError | null
}

export interface TopicListing {
  readonly name: string
  readonly topicId: string
  readonly isInternal: boolean
}

export interface TopicDescription {
  readonly name: string
  /** Null if `error` is set. */
  readonly topicId: string | null
  readonly isInternal: boolean
  readonly partitions: readonly PartitionMetadata[]
  readonly error: KafkaError | null
}

export interface ConfigResource {
  readonly type: 'topic' | 'broker'
  /** The topic, or the id of the broker. */
  readonly name: string
}

export interface ConfigEntry {
  readonly name: string
  /** Null for a sensitive value, and for none. */
  readonly value: string | null
  readonly isDefault: boolean
  readonly isReadOnly: boolean
  readonly isSensitive: boolean
}

export interface ConfigDescription extends ConfigResource {
  readonly entries: readonly ConfigEntry[]
  readonly error: KafkaError | null
}

export interface ClusterDescription {
  readonly clusterId: string
  /** -1 if there is none at the moment. */
  readonly controllerId: number
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number; readonly rack: string | null }[]
}

const ResourceType = { topic: 2, broker: 4 } as const
const CONFIG_SOURCE_DEFAULT = 5

/**
 * Administers a cluster. Any number of calls may be under way. Each is tried again as long as that can help, within `default.api.timeout.ms`.
 *
 * Where several things are asked for, each has its own result, and one that fails does not keep the others from being done.
 */
export class Admin {
  readonly #config: AdminConfig
  readonly #clock: Clock
  readonly #cluster: Cluster
  readonly #followed = new Set<string>()

  /**
   * Connects to nothing yet.
   *
   * @param properties Java's admin properties; see `clientKeys` for what each does.
   * @throws KafkaError `INVALID_CONFIGURATION`.
   */
  constructor(properties: Properties, { logger, clock = monotonicClock }: { readonly logger: Logger; readonly clock?: Clock }) {
    this.#config = adminConfig(properties, logger)
    this.#clock = clock
    this.#cluster = new Cluster({ config: this.#config, logger, clock, topics: () => [...this.#followed] })
  }

  /**
   * Creates topics.
   *
   * @returns a result for each; `TOPIC_ALREADY_EXISTS` is an error like others.
   * @throws KafkaError if the controller cannot be reached.
   */
  async createTopics(topics: readonly NewTopic[], { validateOnly = false }: { readonly validateOnly?: boolean } = {}): Promise<readonly Result[]> {
    const asked = topics.map(({ name, partitions = -1, replicationFactor = -1, configs = {} }) => ({
      name,
      numPartitions: partitions,
      replicationFactor,
      assignments: [],
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    }))
    return await this.#untilDone('createTopics', async () => {
      const body = { topics: asked, timeoutMs: this.#config.requestTimeoutMs, validateOnly }
      const answer = await this.#cluster.request(await this.#controller(), 'data', 'CreateTopics', body)
      this.#throwNotController(answer.topics)
      return topics.map(({ name }) => {
        const result = answer.topics.find((topic) => topic.name === name)
        return { name, error: resultError(result?.errorCode, result?.errorMessage) }
      })
    })
  }

  /** Deletes topics; `UNKNOWN_TOPIC_OR_PARTITION` for one that does not exist. @throws KafkaError if the controller cannot be reached. */
  async deleteTopics(names: readonly string[]): Promise<readonly Result[]> {
    return await this.#untilDone('deleteTopics', async () => {
      const timeoutMs = this.#config.requestTimeoutMs
      const answer = await this.#cluster.request(await this.#controller(), 'data', 'DeleteTopics', (version) =>
        version >= 6 ? { topics: names.map((name) => ({ name, topicId: ZERO_UUID })), timeoutMs } : { topicNames: names, timeoutMs },
      )
      this.#throwNotController(answer.responses)
      return names.map((name) => {
        const result = answer.responses.find((topic) => topic.name === name)
        return { name, error: resultError(result?.errorCode, result?.errorMessage) }
      })
    })
  }

  /** Adds partitions, up to `count` in all. @throws KafkaError if the controller cannot be reached. */
  async createPartitions(topics: readonly { readonly name: string; readonly count: number }[]): Promise<readonly Result[]> {
    return await this.#untilDone('createPartitions', async () => {
      const body = {
        topics: topics.map(({ name, count }) => ({ name, count, assignments: null })),
        timeoutMs: this.#config.requestTimeoutMs,
        validateOnly: false,
      }
      const answer = await this.#cluster.request(await this.#controller(), 'data', 'CreatePartitions', body)
      this.#throwNotController(answer.results)
      return topics.map(({ name }) => {
        const result = answer.results.find((topic) => topic.name === name)
        return { name, error: resultError(result?.errorCode, result?.errorMessage) }
      })
    })
  }

  /** All topics. @param options internal topics are left out by default, as in Java. @throws KafkaError. */
  async listTopics({ listInternal = false }: { readonly listInternal?: boolean } = {}): Promise<readonly TopicListing[]> {
    const { topics } = await this.#untilDone('listTopics', () => this.#cluster.describeTopics(null))
    return topics
      .filter(({ errorCode, isInternal }) => errorCode === ErrorCode.NONE && (listInternal || !isInternal))
      .map(({ name, topicId, isInternal }) => ({ name: name ?? '', topicId, isInternal }))
  }

  /** Partitions, leaders and replicas of topics. @throws KafkaError if no broker can be reached. */
  async describeTopics(names: readonly string[]): Promise<readonly TopicDescription[]> {
    const { topics } = await this.#untilDone('describeTopics', () => this.#cluster.describeTopics(names))
    return names.map((name) => {
      const topic = topics.find((topic) => topic.name === name)
      const error = resultError(topic?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, null)
      if (!topic || error) return { name, topicId: null, isInternal: false, partitions: [], error }
      return { name, topicId: topic.topicId, isInternal: topic.isInternal, partitions: partitionsOf(topic), error: null }
    })
  }

  /** Settings of topics and brokers. @throws KafkaError if a broker cannot be reached. */
  async describeConfigs(resources: readonly ConfigResource[]): Promise<readonly ConfigDescription[]> {
    // A broker's settings are known to that broker only.
    const brokers = resources.filter(({ type }) => type === 'broker')
    const topics = resources.filter(({ type }) => type === 'topic')
    const parts = await Promise.all([
      topics.length > 0 ? this.#describeConfigs(topics, null) : [],
      ...brokers.map((broker) => this.#describeConfigs([broker], Number(broker.name))),
    ])
    return parts.flat()
  }

  /**
   * Sets or removes (null) single settings of topics and brokers; others stay as they are (KIP-339).
   *
   * @throws KafkaError if the broker cannot be reached.
   */
  async incrementalAlterConfigs(
    changes: readonly (ConfigResource & { readonly configs: Readonly<Record<string, string | null>> })[],
  ): Promise<readonly (ConfigResource & { readonly error: KafkaError | null })[]> {
    return await this.#untilDone('incrementalAlterConfigs', async () => {
      const body = {
        resources: changes.map(({ type, name, configs }) => ({
          resourceType: ResourceType[type],
          resourceName: name,
          configs: Object.entries(configs).map(([name, value]) => ({ name, configOperation: value === null ? 1 : 0, value })),
        })),
        validateOnly: false,
      }
      const answer = await this.#cluster.requestAny('IncrementalAlterConfigs', body)
      return changes.map(({ type, name }) => {
        const result = answer.responses.find(({ resourceType, resourceName }) => resourceType === ResourceType[type] && resourceName === name)
        return { type, name, error: resultError(result?.errorCode, result?.errorMessage) }
      })
    })
  }

  /**
   * Offsets by timestamp, or the ends of the log (`OffsetAt`).
   *
   * @returns what was found; a partition without a record at or after the timestamp has offset -1.
   * @throws KafkaError for a partition that has no answer in time or at all.
   */
  async listOffsets(
    queries: readonly OffsetQuery[],
    { isReadCommitted = false }: { readonly isReadCommitted?: boolean } = {},
  ): Promise<readonly FoundOffset[]> {
    for (const { topic } of queries) this.#followed.add(topic)
    const found: FoundOffset[] = []
    let left = queries
    await this.#untilDone('listOffsets', async () => {
      if (left.some(({ topic, partition }) => this.#cluster.leader(topic, partition) === null)) await this.#cluster.refresh(this.#config.apiTimeoutMs)
      for (const { topic } of left) {
        const code = this.#cluster.topicErrorCode(topic)
        if (code !== ErrorCode.NONE) throw kafkaError(code, `Topic "${topic}"`)
      }
      const answers = await listOffsets(this.#cluster, left, isReadCommitted)
      found.push(...answers.found)
      left = left.filter(({ topic, partition }) => answers.failed.some((failed) => failed.topic === topic && failed.partition === partition))
      const failed = answers.failed[0]
      if (failed) throw failed.error
    })
    return found
  }

  /** All committed offsets of a group. @throws KafkaError. */
  async listConsumerGroupOffsets(groupId: string): Promise<readonly CommittedOffset[]> {
    const coordinator = new Coordinator(this.#cluster, groupId)
    return await this.#untilDone('listConsumerGroupOffsets', async () => {
      const answer = await coordinator.request('data', 'OffsetFetch', (version) =>
        version >= 8 ? { groups: [{ groupId, topics: null }], requireStable: false } : { groupId, topics: null },
      )
      const group = answer.groups[0] ?? answer
      throwGroupError(coordinator, group.errorCode)
      return group.topics.flatMap(({ name, partitions }) =>
        partitions
          .filter(({ committedOffset, errorCode }) => committedOffset >= 0 && errorCode === ErrorCode.NONE)
          .map(({ partitionIndex, committedOffset, metadata, committedLeaderEpoch }) => ({
            topic: name,
            partition: partitionIndex,
            offset: committedOffset,
            metadata: metadata ?? '',
            leaderEpoch: committedLeaderEpoch,
          })),
      )
    })
  }

  /** Sets committed offsets of a group that has no members. @throws KafkaError, `UNKNOWN_MEMBER_ID` if it has. */
  async alterConsumerGroupOffsets(groupId: string, offsets: readonly OffsetCommit[]): Promise<void> {
    const { apiTimeoutMs } = this.#config
    const coordinator = new Coordinator(this.#cluster, groupId)
    const committed = new CommittedOffsets({
      cluster: this.#cluster,
      coordinator,
      clock: this.#clock,
      groupInstanceId: null,
      apiTimeoutMs,
      isReadCommitted: false,
    })
    await committed.commit(offsets, null)
  }

  /** Removes committed offsets of a group. @throws KafkaError, `GROUP_SUBSCRIBED_TO_TOPIC` for a topic that is being read. */
  async deleteConsumerGroupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    const coordinator = new Coordinator(this.#cluster, groupId)
    const topics = [...new Set(partitions.map(({ topic }) => topic))].map((name) => ({
      name,
      partitions: partitions.filter(({ topic }) => topic === name).map(({ partition }) => ({ partitionIndex: partition })),
    }))
    await this.#untilDone('deleteConsumerGroupOffsets', async () => {
      const answer = await coordinator.request('data', 'OffsetDelete', { groupId, topics })
      throwGroupError(coordinator, answer.errorCode)
      for (const { partitions } of answer.topics) for (const { errorCode } of partitions) throwGroupError(coordinator, errorCode)
    })
  }

  /** Deletes groups without members, with their offsets. @throws KafkaError if a coordinator cannot be reached. */
  async deleteConsumerGroups(groupIds: readonly string[]): Promise<readonly Result[]> {
    return await Promise.all(
      groupIds.map(async (name) => {
        const coordinator = new Coordinator(this.#cluster, name)
        const errorCode = await this.#untilDone('deleteConsumerGroups', async () => {
          const { results } = await coordinator.request('data', 'DeleteGroups', { groupsNames: [name] })
          const code = results[0]?.errorCode ?? ErrorCode.NONE
          if (code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS || coordinator.isLost(code)) throw kafkaError(code)
          return code
        })
        return { name, error: resultError(errorCode, null) }
      }),
    )
  }

  /** Cluster id, controller and brokers. @throws KafkaError. */
  async describeCluster(): Promise<ClusterDescription> {
    return await this.#untilDone('describeCluster', async () => {
      const answer = await this.#cluster.requestAny('Metadata', { topics: [], allowAutoTopicCreation: false })
      const brokers = answer.brokers.map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack }))
      return { clusterId: answer.clusterId ?? '', controllerId: answer.controllerId, brokers }
    })
  }

  /** Ends all connections; what is under way fails with `CLIENT_CLOSED`. */
  async close(): Promise<void> {
    await this.#cluster.close()
  }

  async #describeConfigs(resources: readonly ConfigResource[], broker: number | null): Promise<readonly ConfigDescription[]> {
    const body: RequestInput<'DescribeConfigs'> = {
      resources: resources.map(({ type, name }) => ({ resourceType: ResourceType[type], resourceName: name, configurationKeys: null })),
    }
    return await this.#untilDone('describeConfigs', async () => {
      const node = broker === null ? null : await this.#node(broker)
      const answer = node ? await this.#cluster.request(node, 'data', 'DescribeConfigs', body) : await this.#cluster.requestAny('DescribeConfigs', body)
      return resources.map(({ type, name }) => {
        const result = answer.results.find(({ resourceType, resourceName }) => resourceType === ResourceType[type] && resourceName === name)
        const error = resultError(result?.errorCode, result?.errorMessage)
        return { type, name, error, entries: error ? [] : (result?.configs.map(configEntry) ?? []) }
      })
    })
  }

  async #controller(): Promise<BrokerNode> {
    if (this.#cluster.controllerId < 0) await this.#cluster.refresh(this.#config.apiTimeoutMs)
    return await this.#node(this.#cluster.controllerId)
  }

  async #node(id: number): Promise<BrokerNode> {
    const known = this.#cluster.node(id)
    if (known) return known
    await this.#cluster.refresh(this.#config.apiTimeoutMs)
    const node = this.#cluster.node(id)
    if (!node) throw kafkaError(ErrorCode.BROKER_NOT_AVAILABLE, `Broker ${id}`)
    return node
  }

  #throwNotController(results: readonly { readonly errorCode: number }[]): void {
    if (!results.some(({ errorCode }) => errorCode === ErrorCode.NOT_CONTROLLER)) return
    this.#cluster.requestRefresh()
    throw kafkaError(ErrorCode.NOT_CONTROLLER)
  }

  async #untilDone<T>(operation: string, attempt: () => Promise<T>): Promise<T> {
    const { apiTimeoutMs, retriesMax } = this.#config
    const deadline = this.#clock.now() + apiTimeoutMs
    const noAnswer = timeoutError('there was no answer')
    let lastError = noAnswer
    for (let failures = 1; ; failures++) {
      try {
        // An attempt alone may take long: the addresses that a broker names need not lead anywhere.
        return await inTime(attempt(), deadline - this.#clock.now(), () => noAnswer)
      } catch (cause) {
        if (cause !== noAnswer) lastError = asKafkaError(cause)
        if (!lastError.retriable || failures > retriesMax) throw lastError
        if (this.#clock.now() >= deadline) {
          throw timeoutError(`Timed out waiting for ${operation} after ${failures} attempts: ${lastError.message}`, lastError)
        }
        await this.#cluster.pause(failures)
      }
    }
  }
}

export { OffsetAt }

function resultError(errorCode: number | undefined, message: string | null | undefined): KafkaError | null {
  if (errorCode === ErrorCode.NONE) return null
  const error = kafkaError(errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR)
  // The broker's own words say more than the general ones.
  if (message) error.message = message
  return error
}

function throwGroupError(coordinator: Coordinator, errorCode: number): void {
  coordinator.isLost(errorCode)
  if (errorCode !== ErrorCode.NONE) throw kafkaError(errorCode, `Group "${coordinator.groupId}"`)
}

function partitionsOf({ partitions }: ResponseBody<'Metadata'>['topics'][number]): PartitionMetadata[] {
  return partitions
    .map(({ partitionIndex, leaderId, leaderEpoch, replicaNodes, isrNodes }) => ({
      index: partitionIndex,
      leader: leaderId,
      leaderEpoch,
      replicas: replicaNodes,
      inSyncReplicas: isrNodes,
    }))
    .sort((a, b) => a.index - b.index)
}

function configEntry({ name, value, configSource, readOnly, isSensitive }: ResponseBody<'DescribeConfigs'>['results'][number]['configs'][number]): ConfigEntry {
  return { name, value, isDefault: configSource === CONFIG_SOURCE_DEFAULT, isReadOnly: readOnly, isSensitive }
}
