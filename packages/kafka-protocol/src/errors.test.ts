import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, errorByCode, errorCodes } from './error-codes.ts'
import { kafkaError } from './errors.ts'

test('an error carries name, number, class and message of the Java client', () => {
  const error = kafkaError(3, 'Fetching from "orders"')
  assert.equal(error.message, 'Fetching from "orders": This server does not host this topic-partition.')
  const { code, errorCode, retriable, javaClass } = error
  assert.deepEqual(
    { code, errorCode, retriable, javaClass },
    { code: 'UNKNOWN_TOPIC_OR_PARTITION', errorCode: 3, retriable: true, javaClass: 'org.apache.kafka.common.errors.UnknownTopicOrPartitionException' },
  )
})

test('codes are told apart as in the Java client', () => {
  assert.equal(errorByCode(ErrorCode.NOT_LEADER_OR_FOLLOWER).refreshMetadata, true)
  assert.equal(errorByCode(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS).refreshMetadata, false)
  assert.equal(errorByCode(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS).retriable, true)
  assert.equal(errorByCode(ErrorCode.TOPIC_AUTHORIZATION_FAILED).retriable, false)
  assert.equal(errorByCode(ErrorCode.INVALID_RECORD).javaClass, 'org.apache.kafka.common.InvalidRecordException')
  assert.equal(errorByCode(ErrorCode.PRODUCER_FENCED).code, 90)
})

test('there is one entry for each of the codes -1 to 133', () => {
  assert.deepEqual(
    [...errorCodes.keys()].sort((a, b) => a - b),
    Array.from({ length: 135 }, (_, i) => i - 1),
  )
})

test('an unknown code is an unknown server error', () => {
  assert.equal(errorByCode(9999).name, 'UNKNOWN_SERVER_ERROR')
})
