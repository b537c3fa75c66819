import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler } from '../api-handler.ts'

/**
 * InitProducerId 0 to 5: a new producer id for an idempotent producer; id and epoch for a transactional one, which fences earlier ones of the same
 * transactional id and aborts what they left open (KIP-98, KIP-360). That is done when it is answered; Kafka lets the client ask again meanwhile.
 */
export const initProducerId = apiHandler({
  api: 'InitProducerId',
  versions: { min: 0, max: 5 },

  respond({ body }, { meta, transactions, logger }) {
    const { transactionalId, transactionTimeoutMs: timeoutMs, producerId, producerEpoch } = body
    if (transactionalId !== null) return { errorCode: 0, ...transactions.initProducer({ transactionalId, timeoutMs, producerId, producerEpoch }) }
    try {
      return { errorCode: 0, producerId: meta.nextProducerId(), producerEpoch: 0 }
    } catch (error) {
      logger.error(`No producer id can be given out: ${(error as Error).message}`)
      return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, producerEpoch: -1 }
    }
  },
  failed: ({ version }, errorCode) => ({ errorCode: fencedErrorCode(errorCode, version >= 4), producerEpoch: -1 }),
})

/** PRODUCER_FENCED in versions that know it, else what stood for it before (KIP-588). */
export function fencedErrorCode(errorCode: number, isKnown: boolean): number {
  return errorCode === ErrorCode.PRODUCER_FENCED && !isKnown ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode
}
