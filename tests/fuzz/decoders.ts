import { decompress } from '@millrace/kafka'
import {
  consumerProtocol,
  decodeFetchResponse,
  decodeProduceRequest,
  decodeRecords,
  decodeRequest,
  decodeResponse,
  FrameSplitter,
  ProtocolError,
  readBatches,
  readRequestHeader,
} from '@millrace/kafka-protocol'
import fc from 'fast-check'
import { batches, groupPayloads, requests, responses } from './corpus.ts'
import { bytesOf, mutated } from './mutation.ts'

/** Something that reads foreign bytes. It may refuse them with a `ProtocolError`, and do nothing else out of order. */
interface Decoder {
  readonly name: string
  /** Of all inputs, so many parts. */
  readonly weight: number
  readonly corpus: readonly Buffer[]
  read(bytes: Buffer, index: number): void
}

const fetchResponses = responses.filter(({ api }) => api === 'Fetch')
const produceRequests = requests.filter(({ api }) => api === 'Produce')

export const decoders: readonly Decoder[] = [
  {
    name: 'requests',
    weight: 5,
    corpus: requests.map(({ bytes }) => bytes),
    read(bytes) {
      readRequestHeader(bytes)
      decodeRequest(bytes)
    },
  },
  {
    name: 'responses',
    weight: 5,
    corpus: responses.map(({ bytes }) => bytes),
    read(bytes, index) {
      const { api, version } = responses[index]!
      decodeResponse(api, version, bytes)
    },
  },
  { name: 'produce requests', weight: 1, corpus: produceRequests.map(({ bytes }) => bytes), read: (bytes) => void decodeProduceRequest(bytes) },
  {
    name: 'fetch responses',
    weight: 2,
    corpus: fetchResponses.map(({ bytes }) => bytes),
    read(bytes, index) {
      for (const { records } of decodeFetchResponse(fetchResponses[index]!.version, bytes).partitions) if (records !== null) readRecords(records)
    },
  },
  { name: 'record batches', weight: 5, corpus: batches, read: readRecords },
  {
    name: 'payloads of groups',
    weight: 1,
    corpus: groupPayloads,
    read(bytes) {
      consumerProtocol.decodeAssignment(bytes)
      consumerProtocol.decodeSubscription(bytes)
    },
  },
  { name: 'frames', weight: 1, corpus: [framed(requests.slice(0, 5).map(({ bytes }) => bytes))], read: splitFrames },
]

/** What native codecs have taken is given back when the event loop turns, and no sooner. */
const INPUTS_PER_TURN = 1_000

/** Lets each decoder read its share of so many mutated inputs. @throws what fast-check throws: the seed, the input and the error. */
export async function fuzzDecoders(inputs: number, seed: number, progress: (inputs: number) => void): Promise<void> {
  const weights = decoders.reduce((sum, { weight }) => sum + weight, 0)
  for (const decoder of decoders) {
    const share = Math.ceil((inputs * decoder.weight) / weights)
    for (let done = 0; done < share; done += INPUTS_PER_TURN) {
      const numRuns = Math.min(INPUTS_PER_TURN, share - done)
      fc.assert(propertyOf(decoder), { numRuns, seed: seed + done })
      progress(numRuns)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

function propertyOf({ name, corpus, read }: Decoder) {
  return fc.property(mutated(corpus.length), (mutation) => {
    try {
      read(bytesOf(mutation, corpus[mutation.index]!), mutation.index)
    } catch (error) {
      if (!(error instanceof ProtocolError))
        throw new Error(`The decoder of ${name} threw something else than a ProtocolError: ${String(error)}`, { cause: error })
    }
  })
}

function readRecords(bytes: Buffer): void {
  for (const batch of readBatches(bytes)) {
    const cursor = decodeRecords(batch, decompress)
    while (cursor.next()) {
      cursor.key()
      cursor.value()
      cursor.headers()
    }
  }
}

function splitFrames(bytes: Buffer): void {
  const splitter = new FrameSplitter(10_000_000)
  for (let pos = 0, length = 1; pos < bytes.length; pos += length, length = (length * 7) % 23) splitter.push(bytes.subarray(pos, pos + length))
}

/** Frames one behind the other, each with its size in front. */
export function framed(frames: readonly Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const size = Buffer.alloc(4)
      size.writeInt32BE(frame.length)
      return [size, frame]
    }),
  )
}
