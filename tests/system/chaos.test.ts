import 'node:test'
import { embedded } from './chaos-cluster.ts'
import { chaosSuite } from './chaos-suite.ts'

chaosSuite(embedded, { skip: false })
