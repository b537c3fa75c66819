import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { consumerProtocol } from '@millrace/kafka-protocol'
import type { TopicPartition } from '../topic-partition.ts'
import { byTopic, type GroupAssignment, type ReplicaRacks, type Subscriber, type TopicsOfGroup } from './assignor.ts'
import { assignorByClass, type AssignorName, assignors, isCooperative } from './assignors.ts'
import { encodeStickyUserData, readStickyUserData } from './sticky-assignor-user-data.ts'

/*
 * Made by the Java client (tests/tools/java/AssignorVectors.java), a line for each group:
 *
 *     43 2m.3.4.94 fg.3.4o.21@6 m0.3..42^A = 0012012 0120120 0120120 0120120
 *
 * Topics `t0`, `t1` and so on with their numbers of partitions (base 36); after a colon the racks of each partition's replicas as bits of A, B, C (hexadecimal).
 * Members: id, topics as bits, then what they held: generation (none: not told; `o`: told by user data only) and partitions as bits, lowest first (hexadecimal, without
 * zeros at the end); `@` instance, `^` rack.
 * Then the owner of each partition, as index of the member, by range, roundrobin, sticky and cooperative-sticky.
 */
const file = join(import.meta.dirname, '..', '..', '..', '..', 'tests', 'vectors', 'assignors.txt')
const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
const columns: readonly AssignorName[] = ['range', 'roundrobin', 'sticky', 'cooperative-sticky']

interface Member {
  readonly subscriber: Omit<Subscriber, 'ownedPartitions' | 'userData'>
  readonly held: readonly TopicPartition[]
  readonly generation: number
}

interface Vector {
  readonly topics: TopicsOfGroup
  readonly partitions: readonly TopicPartition[]
  readonly members: readonly Member[]
  readonly owners: readonly string[]
}

for (const [column, name] of columns.entries()) {
  test(`${name} shares out as the Java client does, in ${lines.length} groups`, () => {
    for (const line of lines) {
      const { topics, partitions, members, owners } = parse(line)
      const subscribers = members.map((member) => subscriberFor(name, member))
      assert.equal(written(assignors[name].assign(subscribers, topics), partitions, members), owners[column], line)
    }
  })
}

test('partitions that do not exist any more are not kept', () => {
  for (const name of ['sticky', 'cooperative-sticky'] as const) {
    const held = [0, 1, 2].map((partition) => ({ topic: 't', partition }))
    const members = ['a', 'b'].map((memberId, i) => {
      const subscriber = { memberId, groupInstanceId: null, rackId: null, topics: i === 0 ? ['t'] : ['t', 'u'], generationId: 3 }
      return subscriberFor(name, { subscriber, held: i === 0 ? held : [], generation: 3 })
    })
    const assignment = assignors[name].assign(members, new Map([['t', [[], []]]]))
    const given = [...assignment.values()].flat().flatMap(({ partitions }) => partitions)
    // What "b" is to get, "a" gives up first where that is the way.
    assert.deepEqual(given.sort(), name === 'sticky' ? [0, 1] : [1])
  }
})

test('the user data of the sticky assignor are those of the Java client, to the byte', () => {
  const partitions = ['orders', 'a', 'payments', 'ünïcode', 'topic-7'].flatMap((topic) => [3, 0, 12].map((partition) => ({ topic, partition })))
  const encoded = encodeStickyUserData({ partitions, generation: 7 })
  assert.equal(
    encoded.toString('hex'),
    '000000050007746f7069632d370000000300000003000000000000000c0001610000000300000003000000000000000c0009c3bc6ec3af636f64650000000300000003000000000000000c' +
      '00087061796d656e74730000000300000003000000000000000c00066f72646572730000000300000003000000000000000c00000007',
  )
  const read = readStickyUserData(encoded)
  assert.equal(read.generation, 7)
  assert.deepEqual(byTopic(read.partitions), byTopic(partitions))
  assert.deepEqual(readStickyUserData(encoded.subarray(0, encoded.length - 4)), { ...read, generation: null })
  assert.deepEqual(readStickyUserData(encoded.subarray(0, 40)), { partitions: [], generation: -1 })
  assert.deepEqual(readStickyUserData(null), { partitions: [], generation: null })
})

test('assignors are found by the names of their Java classes', () => {
  assert.equal(assignorByClass('org.apache.kafka.clients.consumer.RoundRobinAssignor'), 'roundrobin')
  assert.equal(assignorByClass('RangeAssignor'), 'range')
  assert.equal(assignorByClass('org.apache.kafka.clients.consumer.StickyAssignor'), 'sticky')
  assert.equal(assignorByClass('cooperative-sticky'), 'cooperative-sticky')
  assert.equal(assignorByClass('com.example.OwnAssignor'), null)
  assert.equal(assignorByClass('toString'), null)
})

test('a member rebalances cooperatively only if all of its assignors can', () => {
  assert.equal(isCooperative(['cooperative-sticky']), true)
  assert.equal(isCooperative(['range', 'cooperative-sticky']), false)
  assert.equal(isCooperative(['sticky']), false)
})

/** What the leader would see of the member if this assignor was chosen. */
function subscriberFor(name: AssignorName, { subscriber, held, generation }: Member): Subscriber {
  const { groupInstanceId, memberId, ...rest } = subscriber
  const ownedPartitions = assignors[name].isCooperative ? byTopic(held) : []
  // Over the wire, so that this is tested, too.
  const metadata = consumerProtocol.encodeSubscription({ ...rest, ownedPartitions, userData: userDataOf(name, held, generation) })
  return { memberId, groupInstanceId, ...consumerProtocol.decodeSubscription(metadata) }
}

function userDataOf(name: AssignorName, partitions: readonly TopicPartition[], generation: number): Buffer | null {
  if (generation >= 0) return assignors[name].userData({ partitions, generation })
  if (name !== 'sticky' || partitions.length === 0) return null
  // Before KIP-341 there was no generation.
  return encodeStickyUserData({ partitions, generation }).subarray(0, -4)
}

function parse(line: string): Vector {
  const [group = '', outcome = ''] = line.split(' =')
  const [shape = '', ...members] = group.split(' ')
  const [counts = '', racks] = shape.split(':')
  const topics = new Map<string, ReplicaRacks[]>()
  const partitions: TopicPartition[] = []
  for (const [index, digit] of [...counts].entries()) {
    const topic = `t${index}`
    const count = parseInt(digit, 36)
    for (let partition = 0; partition < count; partition++) {
      const bits = racks === undefined ? 0 : parseInt(racks[partitions.length]!, 16)
      topics.set(topic, [...(topics.get(topic) ?? []), ['A', 'B', 'C'].filter((_, rack) => bits & (1 << rack))])
      partitions.push({ topic, partition })
    }
  }
  const parsed = members.map((member) => parseMember(member, partitions))
  // The leader asks for the topics of its members only.
  for (const topic of topics.keys()) if (!parsed.some(({ subscriber }) => subscriber.topics.includes(topic))) topics.delete(topic)
  return { topics, partitions, members: parsed, owners: outcome.trim().split(' ') }
}

function parseMember(text: string, partitions: readonly TopicPartition[]): Member {
  const match = /^(\w+)\.([\da-f])(?:\.(\d*)(o?)\.([\da-f]*))?(?:@(\d))?(?:\^([A-C]))?$/.exec(text)
  assert.ok(match, text)
  const [, id, bits = '', since, isOld, held = '', instance, rack] = match
  const generation = since ? Number(since) : -1
  const topics = [0, 1, 2, 3].filter((topic) => parseInt(bits, 16) & (1 << topic)).map((topic) => `t${topic}`)
  return {
    subscriber: {
      memberId: `consumer-${id}`,
      groupInstanceId: instance === undefined ? null : `instance-${instance}`,
      topics,
      rackId: rack ?? null,
      generationId: isOld ? -1 : generation,
    },
    held: partitions.filter((_, i) => parseInt(held[i >> 2] ?? '0', 16) & (1 << (i & 3))),
    generation,
  }
}

function written(assignment: GroupAssignment, partitions: readonly TopicPartition[], members: readonly Member[]): string {
  const owners = partitions.map(({ topic, partition }) => {
    const owner = members.findIndex(({ subscriber }) =>
      assignment.get(subscriber.memberId)!.some((given) => given.topic === topic && given.partitions.includes(partition)),
    )
    return owner < 0 ? '.' : owner.toString(36)
  })
  return owners.join('')
}
