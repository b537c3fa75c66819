import { api } from '../api.ts'
import { array, bool, int16, int32, int64, string, struct } from '../fields.ts'

/**
 * Adds partitions to a transaction. 3: flexible. 4 and 5 are for brokers alone: several transactions at once, and verification (KIP-890).
 */
export const addPartitionsToTxn = api({
  name: 'AddPartitionsToTxn',
  key: 24,
  versions: { min: 0, max: 5 },
  flexibleFrom: 3,
  request: {
    transactions: array(
      struct({
        transactionalId: string(),
        producerId: int64(),
        producerEpoch: int16(),
        verifyOnly: bool({ default: false }),
        topics: array(
          struct({
            name: string(),
            partitions: array(int32()),
          }),
        ),
      }),
      { since: 4 },
    ),
    v3AndBelowTransactionalId: string({ until: 3 }),
    v3AndBelowProducerId: int64({ until: 3 }),
    v3AndBelowProducerEpoch: int16({ until: 3 }),
    v3AndBelowTopics: array(
      struct({
        name: string(),
        partitions: array(int32()),
      }),
      { until: 3 },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16({ since: 4, ignorable: true }),
    resultsByTransaction: array(
      struct({
        transactionalId: string(),
        topicResults: array(
          struct({
            name: string(),
            resultsByPartition: array(
              struct({
                partitionIndex: int32(),
                partitionErrorCode: int16(),
              }),
            ),
          }),
        ),
      }),
      { since: 4 },
    ),
    resultsByTopicV3AndBelow: array(
      struct({
        name: string(),
        resultsByPartition: array(
          struct({
            partitionIndex: int32(),
            partitionErrorCode: int16(),
          }),
        ),
      }),
      { until: 3 },
    ),
  },
})
