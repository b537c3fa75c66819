import 'node:test'
import { skipWithoutPeer } from '../servers/peer.ts'
import { apacheKafka } from './random-faults-run.ts'
import { randomFaultsSuite } from './random-faults-suite.ts'

randomFaultsSuite(apacheKafka, { skip: skipWithoutPeer() })
