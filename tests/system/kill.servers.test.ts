import 'node:test'
import { skipWithoutPeer } from '../servers/peer.ts'
import { apacheKafka } from './broker-under-test.ts'
import { killSuite } from './kill-suite.ts'

killSuite(apacheKafka, { rounds: 6, victims: ['worker', 'worker', 'broker'], skip: skipWithoutPeer() })
