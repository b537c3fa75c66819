import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, type Request } from '../api-handler.ts'

/** What Kafka says without `authorizer.class.name`. */
export const NO_AUTHORIZER = 'No Authorizer is configured.'

/** CreateAcls 1 to 3: refused, as by a Kafka without `authorizer.class.name`. */
export const createAcls = apiHandler({
  api: 'CreateAcls',
  versions: { min: 1, max: 3 },

  respond: (request) => refused(request, ErrorCode.SECURITY_DISABLED, NO_AUTHORIZER),
  failed: (request, errorCode) => refused(request, errorCode, null),
})

function refused({ body }: Request<'CreateAcls'>, errorCode: number, errorMessage: string | null) {
  return { throttleTimeMs: 0, results: body.creations.map(() => ({ errorCode, errorMessage })) }
}
