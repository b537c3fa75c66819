import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, NODE_ID } from '../api-handler.ts'

const ENDPOINT_BROKERS = 1

/** DescribeCluster 0 to 2 (KIP-700): the one node. Its controller cannot be addressed by itself, as a broker of a cluster answers too. */
export const describeCluster = apiHandler({
  api: 'DescribeCluster',
  versions: { min: 0, max: 2 },

  respond({ body, advertised: { host, port } }, { meta }) {
    if (body.endpointType !== ENDPOINT_BROKERS) {
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.MISMATCHED_ENDPOINT_TYPE,
        errorMessage: 'The request was sent to an endpoint of the wrong type.',
        clusterId: '',
        brokers: [],
      }
    }
    return { throttleTimeMs: 0, errorCode: 0, clusterId: meta.clusterId, controllerId: NODE_ID, brokers: [{ brokerId: NODE_ID, host, port }] }
  },
  failed: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, clusterId: '', brokers: [] }),
})
