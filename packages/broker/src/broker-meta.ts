import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TopicOverrides } from './config/topic-config.ts'
import { BrokerError } from './errors.ts'

const FILE = 'meta.json'
const FORMAT = 1
const PRODUCER_IDS_PER_BLOCK = 1000

export interface TopicMeta {
  readonly name: string
  /** 22 characters of URL-safe base64. */
  readonly id: string
  readonly partitionCount: number
  readonly overrides: TopicOverrides
}

interface MetaFile {
  readonly format: number
  readonly clusterId: string
  readonly topics: readonly TopicMeta[]
  /** Producer ids below this one may have been given out. */
  readonly nextProducerIdBlock: number
  /** The last epoch of a leader; a file without one is from the time when there was epoch 0 alone. */
  readonly leaderEpoch?: number
}

/** What the broker knows beside records and groups: cluster id, topics, producer ids. One small file, replaced as a whole. */
export class BrokerMeta {
  readonly clusterId: string
  readonly #path: string
  readonly #topics: Map<string, TopicMeta>
  #nextProducerId: number
  #producerIdBlockEnd: number
  #leaderEpoch: number

  private constructor(path: string, file: MetaFile) {
    this.#path = path
    this.clusterId = file.clusterId
    this.#topics = new Map(file.topics.map((topic) => [topic.name, topic]))
    this.#nextProducerId = file.nextProducerIdBlock
    this.#producerIdBlockEnd = file.nextProducerIdBlock
    this.#leaderEpoch = file.leaderEpoch ?? 0
  }

  /** @throws BrokerError BROKER_DATA_INVALID for a file that is not ours or of a later format. */
  static open(dataDir: string): BrokerMeta {
    const path = join(dataDir, FILE)
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw invalid(path, error)
      const meta = new BrokerMeta(path, { format: FORMAT, clusterId: newUuid(), topics: [], nextProducerIdBlock: 0, leaderEpoch: -1 })
      meta.#save()
      return meta
    }
    try {
      const file = JSON.parse(text) as MetaFile
      if (file.format !== FORMAT) throw new Error(`its format is "${file.format}", not ${FORMAT}`)
      return new BrokerMeta(path, file)
    } catch (error) {
      throw invalid(path, error)
    }
  }

  get topics(): ReadonlyMap<string, TopicMeta> {
    return this.#topics
  }

  /** Adds or replaces a topic; durable on return. @throws the system's error, and nothing has changed. */
  putTopic(topic: TopicMeta): void {
    const before = this.#topics.get(topic.name)
    this.#topics.set(topic.name, topic)
    try {
      this.#save()
    } catch (error) {
      if (before) this.#topics.set(topic.name, before)
      else this.#topics.delete(topic.name)
      throw error
    }
  }

  /** Durable on return. @throws the system's error, and nothing has changed. */
  removeTopic(name: string): void {
    const before = this.#topics.get(name)
    if (!before) return
    this.#topics.delete(name)
    try {
      this.#save()
    } catch (error) {
      this.#topics.set(name, before)
      throw error
    }
  }

  /** A producer id that was never given out before, also not before a crash. @throws the system's error. */
  nextProducerId(): number {
    if (this.#nextProducerId === this.#producerIdBlockEnd) {
      this.#producerIdBlockEnd += PRODUCER_IDS_PER_BLOCK
      try {
        this.#save()
      } catch (error) {
        this.#producerIdBlockEnd -= PRODUCER_IDS_PER_BLOCK
        throw error
      }
    }
    return this.#nextProducerId++
  }

  /** An epoch that no leader had before, also not before a crash. @throws the system's error. */
  nextLeaderEpoch(): number {
    this.#leaderEpoch++
    try {
      this.#save()
    } catch (error) {
      this.#leaderEpoch--
      throw error
    }
    return this.#leaderEpoch
  }

  #save(): void {
    const file: MetaFile = {
      format: FORMAT,
      clusterId: this.clusterId,
      topics: [...this.#topics.values()],
      nextProducerIdBlock: this.#producerIdBlockEnd,
      leaderEpoch: this.#leaderEpoch,
    }
    replaceFile(this.#path, JSON.stringify(file, null, 2))
  }
}

/** A UUID in Kafka's text form. Not beginning with a dash, which command lines would take for an option. */
export function newUuid(): string {
  for (;;) {
    const text = randomBytes(16).toString('base64url')
    if (!text.startsWith('-')) return text
  }
}

/** Replaces a file as a whole: after a crash there is either the old or the new one. */
export function replaceFile(path: string, content: string): void {
  const draft = `${path}.new`
  const descriptor = openSync(draft, 'w')
  try {
    writeSync(descriptor, content)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(draft, path)
  syncDirectory(dirname(path))
}

function syncDirectory(path: string): void {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch {
    return // Windows opens no folders; there the rename is durable enough.
  }
  try {
    fsyncSync(descriptor)
  } catch {
    // Some file systems cannot sync a folder.
  } finally {
    closeSync(descriptor)
  }
}

function invalid(path: string, cause: unknown): BrokerError {
  return new BrokerError('BROKER_DATA_INVALID', `The broker's file "${path}" cannot be read: ${(cause as Error).message}`, { cause })
}
