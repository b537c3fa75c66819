import assert from 'node:assert/strict'
import test from 'node:test'
import { ScramExchange } from './sasl-scram.ts'

const credentials = { username: 'user', password: 'pencil' }
const nonce = 'rOprNGfwEbeRWgbNEkqO'
// The example of RFC 7677, section 3.
const serverFirst = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'
const clientFinal = 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
const serverFinal = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

function exchange(): ScramExchange {
  return new ScramExchange({ mechanism: 'SCRAM-SHA-256', credentials, isToken: false, nonce })
}

test('says what RFC 7677 gives as an example', async () => {
  const scram = exchange()
  assert.equal(String(await scram.start()), `n,,n=user,r=${nonce}`)
  assert.equal(String(await scram.next(Buffer.from(serverFirst))), clientFinal)
  assert.equal(await scram.next(Buffer.from(serverFinal)), null)
})

test('escapes equals signs and commas in names, and says when the credentials are a token', async () => {
  const scram = new ScramExchange({ mechanism: 'SCRAM-SHA-512', credentials: { username: 'a=b,c', password: '' }, isToken: true, nonce })
  assert.equal(String(await scram.start()), `n,,n=a=3Db=2Cc,r=${nonce},tokenauth=true`)
})

test('takes a nonce of its own each time', async () => {
  const first = () => new ScramExchange({ mechanism: 'SCRAM-SHA-256', credentials, isToken: false }).start()
  assert.notDeepEqual(await first(), await first())
})

test('does not believe a broker that cannot prove that it knows the credentials', async () => {
  for (const [answer, message] of [
    ['v=AAAA', 'Invalid server signature in server final message'],
    ['v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=', 'Invalid server signature in server final message'],
    ['v=6rri,', 'Invalid SCRAM server final message format'],
    ['', 'Invalid SCRAM server final message format'],
    ['e=other-error', 'Sasl authentication using SCRAM-SHA-256 failed with error: other-error'],
  ] as const) {
    const scram = exchange()
    await scram.start()
    await scram.next(Buffer.from(serverFirst))
    await assert.rejects(scram.next(Buffer.from(answer)), { code: 'SASL_AUTHENTICATION_FAILED', message })
  }
})

test('refuses a first message of the broker that is not sound', async () => {
  for (const [answer, message] of [
    ['r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096', 'Invalid server nonce: does not start with client nonce'],
    [`r=${nonce}x,s=W22Z,i=4095`, 'Requested iterations 4095 is less than the minimum 4096 for SCRAM-SHA-256'],
    [`r=${nonce}x,s=W22Z,i=99999999999`, 'Requested iterations 99999999999 is more than the maximum 1000000 for SCRAM-SHA-256'],
    [`r=${nonce}x,s=W2,i=4096`, 'Invalid SCRAM server first message format'],
    ['', 'Invalid SCRAM server first message format'],
  ] as const) {
    const scram = exchange()
    await scram.start()
    await assert.rejects(scram.next(Buffer.from(answer)), { code: 'SASL_AUTHENTICATION_FAILED', message })
  }
})
