import { ErrorCode } from '@millrace/kafka-protocol'
import { apiHandler, type BrokerServices } from '../api-handler.ts'
import { SCRAM_ITERATIONS } from '../security/sasl-scram.ts'

/** Numbers of the protocol. */
const mechanismNumbers: Readonly<Record<string, number>> = { 'SCRAM-SHA-256': 1, 'SCRAM-SHA-512': 2 }

/** DescribeUserScramCredentials 0 (KIP-554): the users that the broker was started with; none can be changed (AlterUserScramCredentials is not offered). */
export const describeUserScramCredentials = apiHandler({
  api: 'DescribeUserScramCredentials',
  versions: { min: 0, max: 0 },

  respond({ body }, services) {
    const all = usersOf(services)
    const wanted = body.users === null || body.users.length === 0 ? [...all.keys()] : body.users.map(({ name }) => name)
    return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, results: wanted.map((user) => described(user, all.get(user))) }
  },
  failed: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, errorMessage: null, results: [] }),
})

type CredentialInfo = { mechanism: number; iterations: number }

function usersOf({ sasl }: BrokerServices): ReadonlyMap<string, CredentialInfo[]> {
  const infos = (sasl?.mechanisms ?? []).flatMap((mechanism) => {
    const number = mechanismNumbers[mechanism]
    return number === undefined ? [] : [{ mechanism: number, iterations: SCRAM_ITERATIONS }]
  })
  return new Map(infos.length === 0 ? [] : (sasl?.users ?? []).map((user) => [user, infos]))
}

function described(user: string, credentialInfos: CredentialInfo[] | undefined) {
  if (credentialInfos) return { user, errorCode: 0, errorMessage: null, credentialInfos }
  const errorMessage = `Attempt to describe a user credential that does not exist: ${user}`
  return { user, errorCode: ErrorCode.RESOURCE_NOT_FOUND, errorMessage, credentialInfos: [] }
}
