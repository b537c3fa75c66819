export type { Api } from './api.ts'
export { ApiKey, type ApiName, apiByKey, apis, type RequestBody, type RequestInput, type ResponseBody, type ResponseInput } from './apis.ts'
export { type ConsumerAssignment, type ConsumerSubscription, consumerProtocol, type TopicPartitions } from './consumer-protocol.ts'
export { lz4BytesMax } from './decompressed-bytes.ts'
export { ErrorCode, type ErrorDescription, type ErrorName, errorByCode, errorCodes } from './error-codes.ts'
export { KafkaError, kafkaError, ProtocolError } from './errors.ts'
export {
  type AbortedTransaction,
  type CurrentLeader,
  decodeFetchResponse,
  encodeFetchResponse,
  type FetchedPartition,
  type FetchedPartitions,
  type FetchResponse,
  type FetchResponsePartition,
} from './fetch-codec.ts'
export {
  type Message,
  type MessageInput,
  type MessageValue,
  type StructInput,
  type StructValue,
  type VersionRange,
  ZERO_UUID,
} from './fields.ts'
export { FrameSplitter } from './frame-splitter.ts'
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
export { murmur2, toPositive } from './murmur2.ts'
export {
  type DecodedProduceRequest,
  decodeProduceRequest,
  encodeProduceRequest,
  type ProduceRequest,
  type ProduceTopic,
} from './produce-codec.ts'
export { Reader } from './reader.ts'
export {
  type BatchDetails,
  type Checksum,
  type CompressionName,
  CompressionType,
  RECORD_BATCH_HEADER_BYTES,
  RECORD_BATCH_LOG_OVERHEAD_BYTES,
  RecordBatchBuilder,
  RecordBatchOffset,
  RecordBatchView,
  type RecordData,
  type RecordHeader,
  readBatches,
  type TimestampType,
} from './record-batch.ts'
export { type Decompress, decodeRecords, RecordCursor } from './record-cursor.ts'
export { Writer } from './writer.ts'
export { compressXerial, decompressXerial } from './xerial-snappy.ts'
