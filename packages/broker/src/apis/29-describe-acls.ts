import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler } from '../api-handler.ts'

/** DescribeAcls 1 to 3: refused, as by a Kafka without `authorizer.class.name`: everybody may do everything here. */
export const describeAcls = apiHandler({
  api: 'DescribeAcls',
  versions: { min: 1, max: 3 },

  respond: () => ({ throttleTimeMs: 0, errorCode: ErrorCode.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured on the broker', resources: [] }),
  failed: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, errorMessage: null, resources: [] }),
})
