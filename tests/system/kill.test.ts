import 'node:test'
import { embeddedBroker } from './broker-under-test.ts'
import { killSuite } from './kill-suite.ts'

killSuite(embeddedBroker, { rounds: 20, victims: ['worker', 'worker', 'broker', 'both'] })
