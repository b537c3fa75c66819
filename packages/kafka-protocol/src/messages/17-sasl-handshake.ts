import { api } from '../api.ts'
import { array, int16, string } from '../fields.ts'

/**
 * Chooses a SASL mechanism. 1: the exchange itself uses SaslAuthenticate (KIP-152). Never flexible.
 */
export const saslHandshake = api({
  name: 'SaslHandshake',
  key: 17,
  versions: { min: 0, max: 1 },
  flexibleFrom: Infinity,
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    mechanisms: array(string()),
  },
})
