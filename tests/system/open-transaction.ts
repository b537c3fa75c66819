// A producer that begins a transaction, sends, and never ends it: to be killed. Arguments: bootstrap servers, transactional id, topic, number of records.

import { Producer, silentLogger as logger } from '@millrace/kafka'

const [bootstrapServers = '', transactionalId = '', topic = '', count = '0'] = process.argv.slice(2)
const producer = new Producer({ 'bootstrap.servers': bootstrapServers, 'transactional.id': transactionalId }, { logger })
await producer.initTransactions()
producer.beginTransaction()
for (let index = 0; index < Number(count); index++) producer.send(topic, 0, Date.now(), null, `lost ${index}`, null, null)
await producer.flush()
console.log('the transaction is open')
setInterval(() => undefined, 60_000)
