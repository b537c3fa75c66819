import { ErrorCode, type KafkaError, type ResponseBody, ZERO_UUID } from '@millrace/kafka-protocol'
import type { PartitionMetadata } from '../cluster.ts'
import { type AdminRequests, type CallOptions, errorOf, type Outcome } from './admin-requests.ts'

export interface NewTopic {
  readonly name: string
  /** Default: the broker's (`num.partitions`). */
  readonly partitions?: number
  /** Default: the broker's (`default.replication.factor`). */
  readonly replicationFactor?: number
  /** The brokers of each partition's replicas, the preferred leader first; instead of the two numbers. */
  readonly assignments?: readonly (readonly number[])[]
  /** Topic settings, such as `cleanup.policy`. */
  readonly configs?: Readonly<Record<string, string>>
}

export interface NewPartitions {
  readonly name: string
  /** How many there are to be in all. */
  readonly count: number
  /** The brokers of each new partition's replicas; default: the controller chooses. */
  readonly assignments?: readonly (readonly number[])[]
}

/** What became of one of several topics or groups. */
export interface Result extends Outcome {
  readonly name: string
}

export interface TopicListing {
  readonly name: string
  readonly topicId: string
  readonly isInternal: boolean
}

export interface TopicDescription extends Outcome {
  readonly name: string
  /** Null if `error` is set. */
  readonly topicId: string | null
  readonly isInternal: boolean
  readonly partitions: readonly PartitionMetadata[]
}

export interface ControllerCallOptions extends CallOptions {
  /** Only looks whether it could be done. Default false. */
  readonly validateOnly?: boolean
}

type TopicMetadata = ResponseBody<'Metadata'>['topics'][number]

/** Too many changes at a time are refused for a while (KIP-599). */
const isRetried = ({ errorCode }: KafkaError) => errorCode === ErrorCode.THROTTLING_QUOTA_EXCEEDED

export async function createTopics(
  requests: AdminRequests,
  topics: readonly NewTopic[],
  { validateOnly = false, ...options }: ControllerCallOptions,
): Promise<readonly Result[]> {
  const attempt = async (left: readonly NewTopic[]) => {
    const asked = left.map(({ name, partitions = -1, replicationFactor = -1, assignments = [], configs = {} }) => ({
      name,
      numPartitions: partitions,
      replicationFactor,
      assignments: assignments.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    }))
    const timeoutMs = requests.config.requestTimeoutMs
    const answer = await requests.toController('CreateTopics', { topics: asked, timeoutMs, validateOnly })
    requests.ensureController(answer.topics)
    return left.map(({ name }) => result(name, answer.topics))
  }
  return await requests.settle('createTopics', topics, attempt, { isRetried, ...options })
}

export async function deleteTopics(requests: AdminRequests, names: readonly string[], options: CallOptions): Promise<readonly Result[]> {
  const attempt = async (left: readonly string[]) => {
    const timeoutMs = requests.config.requestTimeoutMs
    const answer = await requests.toController('DeleteTopics', (version) =>
      version >= 6 ? { topics: left.map((name) => ({ name, topicId: ZERO_UUID })), timeoutMs } : { topicNames: left, timeoutMs },
    )
    requests.ensureController(answer.responses)
    return left.map((name) => result(name, answer.responses))
  }
  return await requests.settle('deleteTopics', names, attempt, { isRetried, ...options })
}

export async function createPartitions(
  requests: AdminRequests,
  topics: readonly NewPartitions[],
  { validateOnly = false, ...options }: ControllerCallOptions,
): Promise<readonly Result[]> {
  const attempt = async (left: readonly NewPartitions[]) => {
    const asked = left.map(({ name, count, assignments }) => ({ name, count, assignments: assignments?.map((brokerIds) => ({ brokerIds })) ?? null }))
    const timeoutMs = requests.config.requestTimeoutMs
    const answer = await requests.toController('CreatePartitions', { topics: asked, timeoutMs, validateOnly })
    requests.ensureController(answer.results)
    return left.map(({ name }) => result(name, answer.results))
  }
  return await requests.settle('createPartitions', topics, attempt, { isRetried, ...options })
}

export async function listTopics(
  requests: AdminRequests,
  { listInternal = false, ...options }: CallOptions & { readonly listInternal?: boolean },
): Promise<readonly TopicListing[]> {
  const { topics } = await requests.untilDone('listTopics', () => requests.cluster.describeTopics(null), options)
  return topics
    .filter(({ errorCode, isInternal }) => errorCode === ErrorCode.NONE && (listInternal || !isInternal))
    .map(({ name, topicId, isInternal }) => ({ name: name ?? '', topicId, isInternal }))
}

export async function describeTopics(requests: AdminRequests, names: readonly string[], options: CallOptions): Promise<readonly TopicDescription[]> {
  if (names.length === 0) return []
  const { topics } = await requests.untilDone('describeTopics', () => requests.cluster.describeTopics(names), options)
  return names.map((name) => {
    const topic = topics.find((topic) => topic.name === name)
    const error = errorOf(`Topic "${name}"`, topic?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if (!topic || error) return { name, topicId: null, isInternal: false, partitions: [], error }
    return { name, topicId: topic.topicId, isInternal: topic.isInternal, partitions: partitionsOf(topic), error: null }
  })
}

function result(name: string, answers: readonly { readonly name: string | null; readonly errorCode: number; readonly errorMessage: string | null }[]): Result {
  const answer = answers.find((answer) => answer.name === name)
  return { name, error: errorOf(`Topic "${name}"`, answer?.errorCode, answer?.errorMessage) }
}

function partitionsOf({ partitions }: TopicMetadata): PartitionMetadata[] {
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
