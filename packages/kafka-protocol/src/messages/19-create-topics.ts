import { api } from '../api.ts'
import { array, bool, int16, int32, int8, string, struct, uuid } from '../fields.ts'

/**
 * Creates topics. 4: -1 partitions or replicas mean the default of the broker (KIP-464). 5: flexible; settings in the answer (KIP-525). 7: topic id in the answer.
 */
export const createTopics = api({
  name: 'CreateTopics',
  key: 19,
  versions: { min: 2, max: 7 },
  flexibleFrom: 5,
  request: {
    topics: array(
      struct({
        name: string(),
        numPartitions: int32(),
        replicationFactor: int16(),
        assignments: array(
          struct({
            partitionIndex: int32(),
            brokerIds: array(int32()),
          }),
        ),
        configs: array(
          struct({
            name: string(),
            value: string({ nullable: true }),
          }),
        ),
      }),
    ),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ ignorable: true }),
    topics: array(
      struct({
        name: string(),
        topicId: uuid({ since: 7, ignorable: true }),
        errorCode: int16(),
        errorMessage: string({ nullable: true, ignorable: true }),
        topicConfigErrorCode: int16({ since: 5, tag: 0, ignorable: true }),
        numPartitions: int32({ since: 5, default: -1, ignorable: true }),
        replicationFactor: int16({ since: 5, default: -1, ignorable: true }),
        configs: array(
          struct({
            name: string(),
            value: string({ nullable: true }),
            readOnly: bool(),
            configSource: int8({ default: -1, ignorable: true }),
            isSensitive: bool(),
          }),
          { since: 5, nullable: true, ignorable: true },
        ),
      }),
    ),
  },
})
