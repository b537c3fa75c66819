import 'node:test'
import { embedded } from './random-faults-run.ts'
import { randomFaultsSuite } from './random-faults-suite.ts'

randomFaultsSuite(embedded, { skip: false })
