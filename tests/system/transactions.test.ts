import 'node:test'
import { embeddedBroker } from './broker-under-test.ts'
import { transactionsSuite } from './transactions-suite.ts'

transactionsSuite(embeddedBroker, { skip: false })
