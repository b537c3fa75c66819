import { type ApiName, ErrorCode, kafkaError, type RequestInput, type ResponseBody } from '@millrace/kafka-protocol'
import type { BrokerNode } from '../broker-node.ts'
import type { Cluster } from '../cluster.ts'
import { asKafkaError } from '../errors.ts'

const keyTypes = { group: 0, transaction: 1 } as const

/** The broker that coordinates a group, or the transactions of a transactional id: found when needed, forgotten when it is no longer the one. */
export class Coordinator {
  /** Of the group; the transactional id where it coordinates transactions. */
  readonly groupId: string
  readonly #kind: keyof typeof keyTypes
  readonly #cluster: Cluster
  #node: BrokerNode | null = null
  #finding: Promise<BrokerNode> | null = null

  constructor(cluster: Cluster, groupId: string, kind: keyof typeof keyTypes = 'group') {
    this.#cluster = cluster
    this.#kind = kind
    this.groupId = groupId
  }

  /** Looks for the coordinator again before the next request. */
  forget(): void {
    this.#node = null
  }

  /**
   * Sends a request to the coordinator: over a connection of its own (`'coordinator'`) what may be held back until all members have joined,
   * over the common one (`'data'`) what must not wait for that. After a failure of the connection the coordinator is looked for again by the next request.
   *
   * @throws KafkaError; retriable ones may be tried again after a pause. Error codes inside the answer are the caller's: see `isLost`.
   */
  async request<A extends ApiName>(
    purpose: 'coordinator' | 'data',
    api: A,
    body: RequestInput<A> | ((version: number) => RequestInput<A>),
    timeoutMs?: number,
  ): Promise<ResponseBody<A>> {
    const node = await this.#find()
    try {
      return await this.#cluster.request(node, purpose, api, body, timeoutMs)
    } catch (error) {
      if (asKafkaError(error).retriable && this.#node === node) this.forget()
      throw error
    }
  }

  /** Whether an error code means that another broker has become the coordinator; if so, it is forgotten. */
  isLost(errorCode: number): boolean {
    const isLost = errorCode === ErrorCode.NOT_COORDINATOR || errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE
    if (isLost) this.forget()
    return isLost
  }

  async #find(): Promise<BrokerNode> {
    if (this.#node) return this.#node
    this.#finding ??= this.#ask()
    try {
      this.#node = await this.#finding
      return this.#node
    } finally {
      this.#finding = null
    }
  }

  async #ask(): Promise<BrokerNode> {
    const keyType = keyTypes[this.#kind]
    const answer = await this.#cluster.requestAny('FindCoordinator', (version) =>
      version >= 4 ? { keyType, coordinatorKeys: [this.groupId] } : { keyType, key: this.groupId },
    )
    const { errorCode, nodeId, host, port } = answer.coordinators[0] ?? answer
    if (errorCode !== ErrorCode.NONE)
      throw kafkaError(errorCode, `Finding the coordinator of ${this.#kind === 'group' ? 'group' : 'transactional id'} "${this.groupId}"`)
    return this.#cluster.ensureNode(nodeId, host, port)
  }
}
