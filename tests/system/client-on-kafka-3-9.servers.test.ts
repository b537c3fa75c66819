import 'node:test'
import { clientOnKafka } from './client-on-kafka.ts'

clientOnKafka('3.9.1')
