import { apiHandler } from '../api-handler.ts'

/** DescribeClientQuotas 0 to 1 (KIP-546): nobody has a quota, and none can be given (AlterClientQuotas is not offered). */
export const describeClientQuotas = apiHandler({
  api: 'DescribeClientQuotas',
  versions: { min: 0, max: 1 },

  respond: () => ({ throttleTimeMs: 0, errorCode: 0, errorMessage: null, entries: [] }),
  failed: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, errorMessage: null, entries: null }),
})
