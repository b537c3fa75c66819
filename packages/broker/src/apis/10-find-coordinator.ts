import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, NODE_ID, type Request } from '../api-handler.ts'

const KEY_TYPE_GROUP = 0
const KEY_TYPE_TRANSACTION = 1
const NOT_KNOWN = 'The embedded broker coordinates groups and transactions only: it has no share groups.'

/** FindCoordinator 0 to 6: this node for every group and every transactional id. Several keys from 4 on (KIP-699). */
export const findCoordinator = apiHandler({
  api: 'FindCoordinator',
  versions: { min: 0, max: 6 },

  respond: (request) => answer(request, errorOf(request)),
  failed: (request, errorCode) => answer(request, errorCode),
})

function errorOf({ body }: Request<'FindCoordinator'>): number {
  return body.keyType === KEY_TYPE_GROUP || body.keyType === KEY_TYPE_TRANSACTION ? 0 : ErrorCode.INVALID_REQUEST
}

function answer({ version, body, advertised }: Request<'FindCoordinator'>, errorCode: number) {
  const errorMessage = errorCode === 0 ? null : errorCode === ErrorCode.INVALID_REQUEST ? NOT_KNOWN : null
  const node = errorCode === 0 ? { nodeId: NODE_ID, ...advertised } : { nodeId: -1, host: '', port: -1 }
  const result = { ...node, errorCode, errorMessage }
  return version >= 4 ? { coordinators: body.coordinatorKeys.map((key) => ({ key, ...result })) } : result
}
