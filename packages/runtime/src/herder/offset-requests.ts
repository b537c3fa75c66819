import { ConnectError, type Logger, type Properties, type SourceOffset, type SourcePartition } from '@millrace/api'
import type { ConnectorOffset, ConnectorOffsets, Message } from '@millrace/rest-api'
import { FailureError, failureOf } from '../errors/failure.ts'
import { canonicalOffsetKey, decodeOffsetKey, decodeOffsetValue, offsetKey, offsetValue } from '../storage/offset-encoding.ts'
import type { OffsetStore, OffsetWrite } from '../storage/offset-store.ts'
import type { ConfiguredConnectors } from './configured-connectors.ts'
import { type ConsumerGroups, sinkGroup, sinkOffsets, sourceOffsets } from './connector-offsets.ts'
import { BadRequestRestError, RestError } from './errors.ts'
import type { HerderWorker } from './herder-worker.ts'
import type { ReportStage } from './operation-queue.ts'
import { type SinkOffsetChange, sinkOffsetChanges } from './sink-offsets.ts'

export interface OffsetRequestsOptions {
  readonly connectors: ConfiguredConnectors
  readonly offsetStore: Pick<OffsetStore, 'connectorPartitions' | 'set'>
  readonly worker: Pick<HerderWorker, 'alterOffsets'>
  readonly consumerGroups: ConsumerGroups
  /** The worker's, references resolved. */
  readonly workerProperties: Properties
  readonly logger: Logger
}

/** A source partition with what is to be stored for it; null removes it. */
interface SourceOffsetChange {
  readonly partition: SourcePartition
  readonly offset: SourceOffset | null
  readonly write: OffsetWrite
}

/**
 * Shows and changes the offsets of connectors (KIP-875): those of the offset store for a source, of the consumer group for a sink. Called by a herder,
 * changes in the connector's turn; in a cluster by the leader only, whose snapshot has to be up to date.
 *
 * A change is first shown to the connector, in a thread that can be thrown away, and then written.
 */
export class OffsetRequests {
  readonly #options: OffsetRequestsOptions

  constructor(options: OffsetRequestsOptions) {
    this.#options = options
  }

  /** @throws NotFoundRestError `Connector X not found`. */
  async read(name: string, stage: ReportStage): Promise<ConnectorOffsets> {
    const { connectors, offsetStore, consumerGroups, workerProperties } = this.#options
    const config = await connectors.resolve(connectors.config(name))
    stage(`reading offsets of connector ${name}`)
    if (connectors.type(name) !== 'sink') return sourceOffsets(await offsetStore.connectorPartitions(name))
    try {
      return await sinkOffsets({ group: sinkGroup({ name, config, workerProperties }), groups: consumerGroups })
    } catch (cause) {
      throw new RestError(500, `Failed to retrieve consumer group offsets for sink connector ${name}: ${failureOf(cause).message}`, { cause })
    }
  }

  /**
   * @returns whether the connector itself took part in it. @throws NotFoundRestError; BadRequestRestError without offsets, for a connector that is not
   *   stopped and offsets that are none; RestError 500 where connector or Kafka refuse.
   */
  alter(name: string, offsets: readonly ConnectorOffset[], stage: ReportStage): Promise<Message> {
    if (offsets.length === 0) return Promise.reject(new BadRequestRestError('Partitions / offsets need to be provided for an alter offsets request'))
    return this.#change(name, offsets, stage)
  }

  /** Forgets all offsets; there may be none. @throws as `alter`. */
  reset(name: string, stage: ReportStage): Promise<Message> {
    return this.#change(name, null, stage)
  }

  async #change(name: string, offsets: readonly ConnectorOffset[] | null, stage: ReportStage): Promise<Message> {
    const { connectors } = this.#options
    const stored = connectors.config(name)
    this.#ensureStopped(name)
    const config = await connectors.resolve(stored)
    const verb = offsets === null ? 'reset' : 'altered'
    const isHandled =
      connectors.type(name) === 'sink' ? await this.#changeSink(name, config, offsets, stage) : await this.#changeSource(name, config, offsets, stage)
    return {
      message: isHandled
        ? `The offsets for this connector have been ${verb} successfully`
        : `The Connect framework-managed offsets for this connector have been ${verb} successfully. However, if this connector manages offsets externally, they will need to be manually ${verb} in the system that the connector uses.`,
    }
  }

  #ensureStopped(name: string): void {
    const snapshot = this.#options.connectors.snapshot()
    if (snapshot.targetState(name) === 'STOPPED' && snapshot.tasks(name).length === 0) return
    throw new BadRequestRestError(
      `Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/${name}/stop' endpoint`,
    )
  }

  // ─── sources ───

  async #changeSource(name: string, config: Properties, offsets: readonly ConnectorOffset[] | null, stage: ReportStage): Promise<boolean> {
    const { offsetStore, logger } = this.#options
    stage(`reading offsets of connector ${name}`)
    const changes = offsets === null ? await this.#allOf(name) : sourceOffsetChanges(name, offsets)
    const shown = changes.map(({ partition, offset }) => ({ partition, offset }))
    const isHandled = await this.#askConnector(name, 'source', config, shown, stage)
    if (changes.length === 0)
      logger.info(
        `No offsets found for source connector ${name} - this can occur due to a prior attempt to reset offsets or if the source connector hasn't committed any offsets yet`,
      )
    stage(`writing offsets of connector ${name}`)
    try {
      await offsetStore.set(changes.map(({ write }) => write))
    } catch (cause) {
      throw new RestError(500, `Failed to modify offsets for source connector ${name}`, { cause })
    }
    return isHandled
  }

  async #allOf(name: string): Promise<readonly SourceOffsetChange[]> {
    const stored = await this.#options.offsetStore.connectorPartitions(name)
    return stored.map(({ key }) => ({ partition: decodeOffsetKey(key)?.partition ?? null, offset: null, write: { key, value: null } }) as SourceOffsetChange)
  }

  // ─── sinks ───

  async #changeSink(name: string, config: Properties, offsets: readonly ConnectorOffset[] | null, stage: ReportStage): Promise<boolean> {
    const group = sinkGroup({ name, config, workerProperties: this.#options.workerProperties })
    const { consumerGroups } = this.#options
    stage(`reading offsets of connector ${name}`)
    const changes = offsets === null ? await this.#committedBy(name, group) : sinkOffsetChanges(offsets)
    const isHandled = await this.#askConnector(name, 'sink', config, changes, stage)
    stage(`changing the offsets of consumer group ${group.id}`)
    const verb = offsets === null ? 'reset' : 'alter'
    try {
      if (offsets === null) await consumerGroups.remove(group)
      else await this.#alterGroup(group, changes)
    } catch (error) {
      throw groupRefusal(name, verb, error)
    }
    return isHandled
  }

  async #committedBy(name: string, group: Parameters<ConsumerGroups['offsets']>[0]): Promise<readonly SinkOffsetChange[]> {
    try {
      return (await this.#options.consumerGroups.offsets(group)).map(({ topic, partition }) => ({ topic, partition, offset: null }))
    } catch (cause) {
      throw new RestError(500, `Failed to list offsets prior to resetting offsets for sink connector ${name}: ${failureOf(cause).message}`, { cause })
    }
  }

  async #alterGroup(group: Parameters<ConsumerGroups['offsets']>[0], changes: readonly SinkOffsetChange[]): Promise<void> {
    const { consumerGroups } = this.#options
    const altered = changes.flatMap(({ topic, partition, offset }) => (offset === null ? [] : [{ topic, partition, offset }]))
    const removed = changes.filter(({ offset }) => offset === null)
    if (altered.length > 0) await consumerGroups.alterOffsets(group, altered)
    if (removed.length > 0) await consumerGroups.removeOffsets(group, removed)
  }

  // ─── the connector ───

  /** What the connector says to the change; false where it does not care. */
  async #askConnector(name: string, kind: 'source' | 'sink', config: Properties, offsets: readonly object[], stage: ReportStage): Promise<boolean> {
    stage(`asking connector ${name} about its offsets`)
    try {
      return await this.#options.worker.alterOffsets(config, offsets)
    } catch (error) {
      const { javaClass, message } = failureOf(error)
      if (javaClass === 'java.lang.UnsupportedOperationException') {
        throw new RestError(500, `Failed to modify offsets for connector ${name} because it doesn't support external modification of offsets`, { cause: error })
      }
      // As the original, which tells the causes only of its own kind of errors.
      const isOurKind = error instanceof FailureError && javaClass.startsWith('org.apache.kafka.connect.')
      throw new RestError(500, isOurKind || error instanceof ConnectError ? message : `Failed to modify offsets for ${kind} connector ${name}`, {
        cause: error,
      })
    }
  }
}

/** Offsets as they would be read back; of several for one partition the last counts. @throws RestError 500 for values that cannot be stored. */
function sourceOffsetChanges(name: string, offsets: readonly ConnectorOffset[]): readonly SourceOffsetChange[] {
  const changes = new Map<string, SourceOffsetChange>()
  for (const { partition, offset } of offsets) {
    const key = offsetKey(name, partition as SourcePartition | null)
    const value = offset === null ? null : offsetValue(offset as SourceOffset)
    changes.set(canonicalOffsetKey(key), {
      partition: decodeOffsetKey(key)?.partition ?? null,
      offset: value && decodeOffsetValue(value),
      write: { key, value },
    } as SourceOffsetChange)
  }
  return [...changes.values()]
}

/** Codes of Kafka for a group that has members. */
const hasMembers = new Set(['UNKNOWN_MEMBER_ID', 'GROUP_SUBSCRIBED_TO_TOPIC', 'NON_EMPTY_GROUP'])

function groupRefusal(name: string, verb: 'alter' | 'reset', cause: unknown): RestError {
  const { code, message } = failureOf(cause)
  if (!hasMembers.has(code)) {
    return new RestError(500, `Failed to ${verb} consumer group offsets for ${verb === 'reset' ? 'sink ' : ''}connector ${name}: ${message}`, { cause })
  }
  return new RestError(
    500,
    `Failed to ${verb} consumer group offsets for connector ${name} either because its tasks haven't stopped completely yet or the connector was resumed before the request to ${verb} its offsets could be successfully completed. If the connector is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect cluster may need to be restarted to get rid of the zombie sink tasks.`,
    { cause },
  )
}
