import 'node:test'
import { embeddedBroker } from './broker-under-test.ts'
import { fileToFileSuite } from './file-to-file-suite.ts'

fileToFileSuite(embeddedBroker)
