import { ErrorCode } from '@millrace/kafka-protocol'

/** The states of a classic group, under Kafka's names. A group that is deleted is simply gone; Kafka calls that Dead. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

export type GroupEvent =
  /** A member is new, has changed, has left, or did not live on: all have to join again. */
  | 'membership-changed'
  /** All members have joined, or the time is over. */
  | 'joined'
  /** The time is over and nobody is left. */
  | 'abandoned'
  /** The leader has sent the assignments, and they are stored. */
  | 'assigned'

interface StateRow {
  /** The next state; null where the event cannot happen. */
  readonly on: Readonly<Record<GroupEvent, GroupState | null>>
  /** What a member of the current generation is told. */
  readonly heartbeat: number
  /** What a commit of a member of the current generation is told. Members may commit for the old generation before they join again. */
  readonly offsetCommit: number
  /** Whether SyncGroup is refused with `syncError`, waits for the leader, or is answered at once. */
  readonly sync: 'refuse' | 'wait' | 'answer'
  readonly syncError: number
}

const { NONE, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS } = ErrorCode

/** What the coordinator does in each state, as the original does; KIP-62 and KIP-394 describe the protocol. */
export const groupStates: Readonly<Record<GroupState, StateRow>> = {
  Empty: {
    on: { 'membership-changed': 'PreparingRebalance', joined: null, abandoned: null, assigned: null },
    heartbeat: UNKNOWN_MEMBER_ID,
    offsetCommit: NONE,
    sync: 'refuse',
    syncError: UNKNOWN_MEMBER_ID,
  },
  PreparingRebalance: {
    on: { 'membership-changed': 'PreparingRebalance', joined: 'CompletingRebalance', abandoned: 'Empty', assigned: null },
    heartbeat: REBALANCE_IN_PROGRESS,
    offsetCommit: NONE,
    sync: 'refuse',
    syncError: REBALANCE_IN_PROGRESS,
  },
  CompletingRebalance: {
    on: { 'membership-changed': 'PreparingRebalance', joined: null, abandoned: null, assigned: 'Stable' },
    // Members send heartbeats from the answer to JoinGroup on.
    heartbeat: NONE,
    offsetCommit: REBALANCE_IN_PROGRESS,
    sync: 'wait',
    syncError: NONE,
  },
  Stable: {
    on: { 'membership-changed': 'PreparingRebalance', joined: null, abandoned: null, assigned: null },
    heartbeat: NONE,
    offsetCommit: NONE,
    sync: 'answer',
    syncError: NONE,
  },
}
