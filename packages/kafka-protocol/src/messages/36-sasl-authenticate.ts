import { api } from '../api.ts'
import { bytes, int16, int64, string } from '../fields.ts'

/**
 * One step of a SASL exchange. 1: session lifetime (KIP-368). 2: flexible.
 */
export const saslAuthenticate = api({
  name: 'SaslAuthenticate',
  key: 36,
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: string({ nullable: true }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ since: 1, default: 0, ignorable: true }),
  },
})
