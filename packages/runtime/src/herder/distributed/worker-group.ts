import type { RebalanceTrigger, TaskId } from '@millrace/rest-api'

/** Connectors and tasks, in the order in which they were given out. */
export interface Workload {
  readonly connectors: readonly string[]
  readonly tasks: readonly TaskId[]
}

/** What a rebalance gave this worker (`org.apache.kafka.connect.runtime.distributed.ExtendedAssignment`). */
export interface Rebalance {
  /** Of the group; statuses carry it. */
  readonly generation: number
  readonly memberId: string
  readonly leaderId: string
  readonly isLeader: boolean
  /** With a slash at the end, as the leader advertises it. */
  readonly leaderUrl: string
  /** How far the leader had read the config topic. Connectors and tasks may be started once this worker has read as far. */
  readonly configOffset: number
  /** The members' config topics differ: read it to its end, then join again; nothing was given out. */
  readonly isConfigMismatch: boolean
  /** To be stopped before the worker joins again; empty in the eager protocol, in which everything is stopped before joining. */
  readonly revoked: Workload
  /**
   * All that the worker is to run from now on: what it kept and what is new. After a lost membership that includes what the worker had to stop and nobody else
   * was given: whatever stands here and does not run has to be started.
   */
  readonly assigned: Workload
  /** After how many milliseconds the worker has to join again, for work that waits for its former owner; 0 for never. */
  readonly delayMs: number
  /** 0 `default` (eager), 1 `compatible`, 2 `sessioned`: from 2 on, requests between workers are signed. */
  readonly protocolVersion: number
}

/**
 * This worker's place in the group of workers (`org.apache.kafka.connect.runtime.distributed.WorkerGroupMember`). The herder decides when to
 * join; heartbeats and the leader's assignment happen by themselves, on the main thread.
 */
export interface WorkerGroup {
  /** Whether the group wants this worker to join, for the first time or again; always while `rebalance` is null. */
  readonly needsJoin: boolean
  /**
   * For how long, from now on, nobody else can have been given what this worker has: until its session would end if no heartbeat were answered any more.
   * Milliseconds; 0 or less where it is too late, and out of the group.
   */
  readonly leaseMs: number
  /** The last completed rebalance; null before the first, and after the membership was lost. */
  readonly rebalance: Rebalance | null
  /**
   * Joins and waits for the assignment, up to the rebalance time-out of the slowest member. In the eager protocol the caller has stopped everything
   * before. @throws KafkaError; a retriable one where no coordinator has answered for a session time-out: the membership is lost, to be tried again.
   */
  join(): Promise<Rebalance>
  /** Makes `needsJoin` true. @param reason is shown in the coordinator's log and in the timeline. @param trigger for the timeline; default `configuration`. */
  requestJoin(reason: string, trigger?: RebalanceTrigger): void
  /** To be called in each tick: a worker whose herder hangs longer than `rebalance.timeout.ms` leaves the group. */
  progressed(stage: string): void
  /** What was revoked is stopped: makes `needsJoin` true, and the group learns so at the next join. */
  revocationDone(): void
  /** Gives up everything (a failed synchronisation): makes `needsJoin` true, and the next join reports an empty allocation. */
  dropAssignment(): void
  /** URL of the worker that runs it, as the leader knows it; null where nobody does or this worker does not lead. */
  ownerUrl(connector: string, task?: number): string | null
  /** Leaves, so that others take over; `join` may follow. */
  leave(reason: string): Promise<void>
  /** Leaves for good and closes the connections. */
  close(): Promise<void>
}

/** What the group tells the herder. Must not throw and should only note what happened, and wake the herder. */
export interface WorkerGroupListener {
  /** `needsJoin` became true. */
  rejoinNeeded(): void
  /**
   * This worker is out of the group, no coordinator has answered for a session time-out, or the herder hung: what it runs has to be stopped. May also be
   * called while `join` is under way.
   */
  membershipLost(reason: string): void
}
