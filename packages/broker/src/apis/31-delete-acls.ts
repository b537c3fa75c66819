import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, type Request } from '../api-handler.ts'
import { NO_AUTHORIZER } from './30-create-acls.ts'

/** DeleteAcls 1 to 3: refused, as by a Kafka without `authorizer.class.name`. */
export const deleteAcls = apiHandler({
  api: 'DeleteAcls',
  versions: { min: 1, max: 3 },

  respond: (request) => refused(request, ErrorCode.SECURITY_DISABLED, NO_AUTHORIZER),
  failed: (request, errorCode) => refused(request, errorCode, null),
})

function refused({ body }: Request<'DeleteAcls'>, errorCode: number, errorMessage: string | null) {
  return { throttleTimeMs: 0, filterResults: body.filters.map(() => ({ errorCode, errorMessage, matchingAcls: [] })) }
}
