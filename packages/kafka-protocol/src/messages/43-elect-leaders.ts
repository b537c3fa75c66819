import { api } from '../api.ts'
import { array, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * Elects leaders anew. 1: unclean elections (KIP-460). 2: flexible.
 */
export const electLeaders = api({
  name: 'ElectLeaders',
  key: 43,
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  request: {
    electionType: int8({ since: 1 }),
    topicPartitions: array(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
      { nullable: true },
    ),
    timeoutMs: int32({ default: 60000 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16({ since: 1 }),
    replicaElectionResults: array(
      struct({
        topic: string(),
        partitionResult: array(
          struct({
            partitionId: int32(),
            errorCode: int16(),
            errorMessage: string({ nullable: true }),
          }),
        ),
      }),
    ),
  },
})
