import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler } from '../api-handler.ts'

/** Heartbeat 0 to 4: keeps a member alive, and tells it with REBALANCE_IN_PROGRESS that it has to join again. */
export const heartbeat = apiHandler({
  api: 'Heartbeat',
  versions: { min: 0, max: 4 },

  respond: ({ body }, { groups }) => ({ errorCode: groups.get(body.groupId)?.heartbeat(body) ?? ErrorCode.UNKNOWN_MEMBER_ID }),
  failed: (_request, errorCode) => ({ errorCode }),
})
