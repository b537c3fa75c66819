import 'node:test'
import { skipWithoutPeer } from '../servers/peer.ts'
import { apacheKafka } from './chaos-cluster.ts'
import { chaosSuite } from './chaos-suite.ts'

chaosSuite(apacheKafka, { skip: skipWithoutPeer() })
