import type { Logger } from '@millrace/api'
import type { ConnectorStatus, StatusStore, TaskStatus } from '../../storage/status-store.ts'
import type { ClusterConfigStore } from '../../storage/config-store.ts'
import { makeSessionKey, type SessionKeyConfig, sessionKeyExpiration } from './session-keys.ts'
import type { Rebalance, WorkerGroup } from './worker-group.ts'

export interface LeaderDutiesOptions {
  readonly group: WorkerGroup
  readonly configStore: ClusterConfigStore
  readonly statusStore: StatusStore
  readonly sessionKeys: SessionKeyConfig
  readonly logger: Logger
}

/** How long after a key could not be written it is tried again. Milliseconds. */
const KEY_RETRY_MS = 1_000

/** What the leader does for all workers of its cluster. Each method does nothing on another worker. */
export class LeaderDuties {
  readonly #options: LeaderDutiesOptions
  #isWritingKey = false
  #leads = false

  constructor(options: LeaderDutiesOptions) {
    this.#options = options
  }

  /** After each rebalance. A new leader makes sure that earlier ones write no more, where the config store can do so. */
  rebalanced(rebalance: Rebalance): void {
    const isNew = rebalance.isLeader && !this.#leads
    this.#leads = rebalance.isLeader
    if (isNew) this.#claimWritePrivileges()
    this.forgetDeleted()
    this.#markOrphans(rebalance)
  }

  #claimWritePrivileges(): void {
    const { configStore, logger } = this.#options
    configStore.claimWritePrivileges().catch((error: unknown) => {
      // Tried again after the next rebalance; until then writes fail, and say so.
      this.#leads = false
      logger.error('Failed to claim the right to write to the config topic', error)
    })
  }

  /** Makes a new key for requests between workers where that is due (KIP-507). @returns the milliseconds until it has to be looked at again. */
  attendToSessionKey(): number {
    const { group, configStore, sessionKeys } = this.#options
    const { rebalance } = group
    if (rebalance?.isLeader !== true || rebalance.protocolVersion < 2) return Infinity
    const now = Date.now()
    const expiration = sessionKeyExpiration(configStore.snapshot().sessionKey, sessionKeys)
    if (now < expiration) return expiration - now
    if (!this.#isWritingKey) void this.#writeKey(now)
    return KEY_RETRY_MS
  }

  /** Forgets the states of what was deleted (`updateDeletedConnectorStatus`). */
  forgetDeleted(): void {
    const { group, configStore, statusStore } = this.#options
    if (group.rebalance?.isLeader !== true) return
    const snapshot = configStore.snapshot()
    for (const name of statusStore.connectors()) {
      if (!snapshot.contains(name)) {
        statusStore.deleteConnector(name)
        statusStore.deleteTopics(name)
      }
      for (const { id } of statusStore.tasks(name)) if (snapshot.taskConfig(id) === null) statusStore.deleteTask(id)
    }
  }

  /**
   * Work whose worker is gone, and which waits for its return, is shown as UNASSIGNED: nobody runs it. In the original it shows the state that it had until
   * somebody else starts it.
   */
  #markOrphans({ isLeader, delayMs, generation }: Rebalance): void {
    const { group, configStore, statusStore, logger } = this.#options
    // While another rebalance is due nobody knows the owners; the delay outlasts it.
    if (!isLeader || delayMs === 0 || group.needsJoin) return
    const snapshot = configStore.snapshot()
    const orphans: string[] = []
    for (const name of snapshot.connectors()) {
      const connector = statusStore.connector(name)
      if (connector !== null && claimsToRun(connector) && group.ownerUrl(name) === null) {
        orphans.push(name)
        statusStore.putConnector(name, { ...connector, state: 'UNASSIGNED', trace: null, generation, version: null })
      }
      for (const id of snapshot.tasks(name)) {
        const task = statusStore.task(id)
        if (task === null || !claimsToRun(task) || group.ownerUrl(name, id.task) !== null) continue
        orphans.push(`${name}-${id.task}`)
        statusStore.putTask(id, { ...task, state: 'UNASSIGNED', trace: null, generation, version: null })
      }
    }
    if (orphans.length > 0) logger.warn(`No worker runs ${orphans.join(', ')}: for ${delayMs} ms they wait for the return of the worker that had them.`)
  }

  async #writeKey(now: number): Promise<void> {
    const { configStore, sessionKeys, logger } = this.#options
    this.#isWritingKey = true
    try {
      logger.info('Distributing a new session key')
      await configStore.putSessionKey(makeSessionKey(sessionKeys, now))
    } catch (error) {
      logger.error('Failed to write a new session key to the config topic; it is tried again', error)
    } finally {
      this.#isWritingKey = false
    }
  }
}

/** What has failed says more than that nobody runs it. */
function claimsToRun({ state }: ConnectorStatus | TaskStatus): boolean {
  return state !== 'UNASSIGNED' && state !== 'FAILED'
}
