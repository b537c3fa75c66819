import 'node:test'
import { skipWithoutPeer } from '../servers/peer.ts'
import { apacheKafka } from './broker-under-test.ts'
import { transactionsSuite } from './transactions-suite.ts'

transactionsSuite(apacheKafka, { skip: skipWithoutPeer() })
