import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler } from '../api-handler.ts'

/** InitProducerId 0 to 5: a new producer id for an idempotent producer (KIP-98). A transactional id is refused: there are no transactions yet. */
export const initProducerId = apiHandler({
  api: 'InitProducerId',
  versions: { min: 0, max: 5 },

  respond({ body }, { meta, logger }) {
    if (body.transactionalId !== null) {
      logger.warn(`The transactional id "${body.transactionalId}" was refused: the embedded broker has no transactions yet.`)
      return { errorCode: ErrorCode.INVALID_REQUEST, producerEpoch: -1 }
    }
    try {
      return { errorCode: 0, producerId: meta.nextProducerId(), producerEpoch: 0 }
    } catch (error) {
      logger.error(`No producer id can be given out: ${(error as Error).message}`)
      return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, producerEpoch: -1 }
    }
  },
  failed: (_request, errorCode) => ({ errorCode, producerEpoch: -1 }),
})
