import { ErrorCode, KafkaError, ZERO_UUID } from '@millrace/kafka-protocol'
import { apiHandler, type Request } from '../api-handler.ts'
import type { Topics } from '../topics.ts'

/** DeleteTopics 1 to 6: by name, from 6 on also by id (KIP-516). Records and committed offsets go with the topic, at once. */
export const deleteTopics = apiHandler({
  api: 'DeleteTopics',
  versions: { min: 1, max: 6 },

  respond: (request, { topics }) => ({ responses: wanted(request).map((topic) => removed(topic, topics)) }),
  failed: (request, errorCode) => ({ responses: wanted(request).map(({ name, topicId }) => ({ name: name ?? '', topicId, errorCode })) }),
})

interface Wanted {
  readonly name: string | null
  readonly topicId: string
}

function wanted({ version, body }: Request<'DeleteTopics'>): readonly Wanted[] {
  return version >= 6 ? body.topics : body.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
}

function removed({ name: wantedName, topicId }: Wanted, topics: Topics) {
  const isById = wantedName === null
  const topic = isById ? topics.getById(topicId) : topics.get(wantedName)
  if (!topic) {
    const errorCode = isById ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return { name: wantedName, topicId, errorCode }
  }
  const { name, id } = topic
  try {
    topics.remove(name)
    return { name, topicId: id, errorCode: 0 }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { name, topicId: id, errorCode: error.errorCode, errorMessage: error.message }
  }
}
