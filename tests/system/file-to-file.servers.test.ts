import 'node:test'
import { skipWithoutPeer } from '../servers/peer.ts'
import { apacheKafka } from './broker-under-test.ts'
import { fileToFileSuite } from './file-to-file-suite.ts'

fileToFileSuite(apacheKafka, { skip: skipWithoutPeer() })
