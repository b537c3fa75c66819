import 'node:test'
import { clientOnKafka } from './client-on-kafka.ts'

clientOnKafka('4.3.1')
