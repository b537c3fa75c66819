export type { Api } from './api.ts'
export { ApiKey, type ApiName, apiByKey, apis, type RequestBody, type RequestInput, type ResponseBody, type ResponseInput } from './apis.ts'
export { ErrorCode, type ErrorDescription, type ErrorName, errorByCode, errorCodes } from './error-codes.ts'
export { KafkaError, kafkaError, ProtocolError } from './errors.ts'
export {
  type Message,
  type MessageInput,
  type MessageValue,
  type StructInput,
  type StructValue,
  type VersionRange,
  ZERO_UUID,
} from './fields.ts'
export {
  type DecodedRequest,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  encodeUnsupportedApiVersions,
  type RequestHeader,
  readRequestHeader,
} from './frames.ts'
export { Reader } from './reader.ts'
export { Writer } from './writer.ts'
