import type { FailureClass } from '@millrace/rest-api'
import { diagnosisOf } from './diagnosis.ts'
import { causesOf } from './failure.ts'

/** What has to happen before this error does not come back. The class of the hint that fits it best. */
export function failureClassOf(error: unknown): FailureClass {
  return diagnosisOf(causesOf(error)).hint.class
}
