import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startJavaConnect } from '../servers/java-connect.ts'
import type { Answer } from './recorded-exchanges.ts'
import { AskedWorker, callName, restCalls } from './rest-calls.ts'

/** How the distributed worker of Kafka Connect 4.3.1 answered, by the names of the calls. Made by `record-distributed-rest.ts`. */
export const RECORDING = new URL('distributed-rest.json', import.meta.url)

/** Of workers in the differential suite; the recordings were made with them. */
export const WORKER_PROPERTIES = {
  'group.id': 'connect-cluster',
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'offset.flush.interval.ms': '200',
} as const

export type Answers = Readonly<Record<string, Answer>>

export function recordedAnswers(): Answers {
  return JSON.parse(readFileSync(RECORDING, 'utf8')) as Answers
}

/** The files that the connectors of the calls read, below the folder that a worker runs in. */
export function writeInput(folder: string): void {
  mkdirSync(join(folder, 'data'), { recursive: true })
  writeFileSync(join(folder, 'data', 'in.txt'), 'a\nb\nc\n')
}

/** Starts a Java worker in distributed mode and asks it everything. */
export async function recordJavaAnswers(folder: string, bootstrapServers: string): Promise<Answers> {
  writeInput(folder)
  const connect = await startJavaConnect({ mode: 'distributed', folder, bootstrapServers, properties: WORKER_PROPERTIES })
  try {
    const answers: [string, Answer][] = []
    const worker = new AskedWorker(connect.url)
    await worker.ready()
    for (const [index, call] of restCalls.entries()) answers.push([callName(call, index), await worker.ask(call)])
    return Object.fromEntries(answers)
  } finally {
    await connect.stop()
  }
}
