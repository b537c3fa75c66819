import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { ConnectClient } from '@millrace/rest-api'
import { temporaryFolder, waitFor } from '@millrace/testing'
import { startJavaConnect } from '../servers/java-connect.ts'
import { type KafkaServer, startKafkaServer } from '../servers/kafka-server.ts'
import { skipWithoutPeer } from '../servers/peer.ts'
import { startWorker } from './millrace-process.ts'
import { topicValues } from './topic.ts'

/** A standalone worker, theirs or ours, that streams the file into the topic. */
interface Streaming {
  readonly client: ConnectClient
  /** The end of its log. */
  output(): string
  stop(): Promise<unknown>
}

describe('the offset file of standalone mode', { skip: skipWithoutPeer() }, () => {
  test('is handed on from the Java worker to ours, back, and to ours again, with no line lost or repeated', async (t) => {
    const folder = temporaryFolder(t)
    const kafka = await startKafkaServer({ folder: join(folder, 'kafka') })
    t.after(() => kafka.stop())
    const relay = new Relay(t, folder, kafka)

    for (const [turn, start] of [relay.startJava, relay.startOurs, relay.startJava, relay.startOurs].entries()) {
      const worker = await start.call(relay, turn)
      await relay.stream(worker, [`line ${turn}a`, `line ${turn}b`])
      await worker.stop()
    }
    assert.deepEqual(await topicValues(kafka.bootstrapServers, 'lines'), relay.lines)
  })
})

/** One file of lines and one offset file, which workers take over from each other. */
class Relay {
  readonly lines: string[] = []
  readonly #test: TestContext
  readonly #folder: string
  readonly #kafka: KafkaServer
  readonly #connector: Readonly<Record<string, string>>
  readonly #properties: Readonly<Record<string, string>>

  constructor(t: TestContext, folder: string, kafka: KafkaServer) {
    this.#test = t
    this.#folder = folder
    this.#kafka = kafka
    this.#connector = { name: 'source', 'connector.class': 'FileStreamSource', file: join(folder, 'in.txt'), topic: 'lines' }
    this.#properties = { 'offset.storage.file.filename': join(folder, 'connect.offsets'), 'offset.flush.interval.ms': '500' }
    writeFileSync(this.#input, '')
  }

  async startJava(turn: number): Promise<Streaming> {
    const worker = await startJavaConnect({
      mode: 'standalone',
      folder: join(this.#folder, `java-${turn}`),
      bootstrapServers: this.#kafka.bootstrapServers,
      properties: this.#properties,
      connectors: [this.#connector],
    })
    this.#test.after(() => worker.killAtOnce())
    return { client: new ConnectClient(worker.url, { requestTimeoutMs: 30_000 }), output: () => worker.output, stop: () => worker.stop() }
  }

  async startOurs(turn: number): Promise<Streaming> {
    const worker = await startWorker({
      folder: join(this.#folder, `ours-${turn}`),
      bootstrapServers: this.#kafka.bootstrapServers,
      properties: this.#properties,
      connectors: [this.#connector],
    })
    this.#test.after(() => worker.killAtOnce())
    return { client: worker.client, output: () => worker.process.output, stop: () => worker.stop() }
  }

  /** Appends lines and waits until their offset is committed: what comes before it is in the topic then. */
  async stream(worker: Streaming, lines: readonly string[]): Promise<void> {
    this.lines.push(...lines)
    appendFileSync(this.#input, lines.map((line) => `${line}\n`).join(''))
    const position = this.lines.join('\n').length + 1
    await waitFor(async () => JSON.stringify(await worker.client.connectorOffsets('source')) === JSON.stringify(this.#offsetsAt(position)), {
      what: `the offset ${position} to be committed`,
      deadlineMs: 60_000,
      describe: () => worker.output().slice(-4000),
    })
  }

  #offsetsAt(position: number): unknown {
    return { offsets: [{ partition: { filename: this.#input }, offset: { position } }] }
  }

  get #input(): string {
    return join(this.#folder, 'in.txt')
  }
}
