import { api } from '../api.ts'
import { array, bool, int16, int32, int8, string, struct } from '../fields.ts'

/**
 * Cluster id, controller and brokers (KIP-700). 1: endpoint type (KIP-919). 2: fenced brokers (KIP-1073).
 */
export const describeCluster = api({
  name: 'DescribeCluster',
  key: 60,
  versions: { min: 0, max: 2 },
  flexibleFrom: 0,
  request: {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8({ since: 1, default: 1 }),
    includeFencedBrokers: bool({ since: 2 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    endpointType: int8({ since: 1, default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array(
      struct({
        brokerId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: true, default: null }),
        isFenced: bool({ since: 2 }),
      }),
    ),
    clusterAuthorizedOperations: int32({ default: -2147483648 }),
  },
})
